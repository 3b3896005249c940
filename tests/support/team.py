"""Teams: people with proven addresses, invitations, and what the audit log says of them."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.members.invitations import Invited, invite
from accounts.models import Membership, Organization, User
from accounts.permissions.roles import Role
from tests.support.people import PASSWORD, actor, make_user


def make_proven(email: str, **fields: Any) -> User:
    """A person who belongs nowhere yet."""
    user = make_user(email, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_invited(
    inviter: Membership, email: str = "grace@example.com", role: Role = Role.MEMBER, **how: Any
) -> Invited:
    return invite(actor=actor(inviter), email=email, role=role, **how)


ABOUT_TEAMS = r"^(member|invitation|token|organization|user\.(de|re)activated)"


def trail(organization: Organization) -> list[tuple[str, str, str]]:
    """What happened to the team and its tokens, oldest first: action, actor's type and target's name."""
    events = AuditEvent.objects.filter(organization=organization, action__regex=ABOUT_TEAMS)
    events = events.order_by("sequence")
    return [(one.action, one.actor_type, one.target_name) for one in events]


def changes(organization: Organization, action: str) -> list[dict[str, Any]]:
    events = AuditEvent.objects.filter(organization=organization, action=action).order_by("sequence")
    return [one.changes for one in events]


def fresh_browser(member: Membership) -> Client:
    """A browser whose person has just typed the password."""
    EmailAddress.objects.get_or_create(
        user=member.user, email=member.user.email, defaults={"verified": True, "primary": True}
    )
    browser = Client()
    form = {"login": member.user.email, "password": PASSWORD}
    assert browser.post("/accounts/login/", form).status_code == 302
    return browser
