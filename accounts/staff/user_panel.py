"""The panel above the admin's form of a user."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.authentication import browser_sessions
from accounts.models import Membership, User
from accounts.staff.panels import Act, Fact, Panel, list_url, page_url

MOST_SHOWN = 5


def user_panel(user: User) -> Panel:
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    factors = [str(one.get_type_display()) for one in Authenticator.objects.filter(user=user).order_by("pk")]
    memberships = Membership.objects.filter(user=user).select_related("organization").order_by("pk")
    grants: Any = user.grants
    facts = [
        Fact("Id", user.public_id),
        Fact("Status", "Active" if user.is_active else "Deactivated"),
        Fact("Verified address", ", ".join(addresses[:MOST_SHOWN]) or "None"),
        Fact("Second factor", ", ".join(factors) or "None"),
        Fact("Browser sessions", len(browser_sessions.of_user(user))),
        Fact("API sessions", grants.filter(revoked_at=None).count()),
        Fact("Memberships", memberships.count(), list_url("accounts_membership", person=user.public_id)),
        *(
            Fact(
                f"{one.get_role_display()} of",
                one.organization,
                page_url("accounts_organization", one.organization_id),
            )
            for one in memberships[:MOST_SHOWN]
        ),
        Fact("API tokens", "Show", list_url("tokens_serviceaccounttoken", person=user.public_id)),
        Fact("Audit events", "Show", list_url("accounts_auditevent", actor=user.public_id)),
    ]
    standing = Act("deactivate", "Deactivate…") if user.is_active else Act("reactivate", "Reactivate")
    reset = [Act("reset_second_factor", "Reset second factor…")] if factors else []
    return Panel(facts, acts=[standing, *reset])
