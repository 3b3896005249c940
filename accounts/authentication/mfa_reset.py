"""Reset of a lost second factor by staff. The user then signs in without one until they set up another.

All sessions of the person end with it, browsers' and the API's: a factor is reset because it was lost or is
in the wrong hands, and its sessions must end. The mail also warns the user at once if an attacker has
persuaded staff to do it.
"""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import log
from accounts.authentication import emails, mailed_links, user_events
from accounts.authorization.acts import authorize_staff
from accounts.models import Membership, Organization, User
from accounts.notifications import outbox
from accounts.permissions.actor import Actor


@transaction.atomic
@log.batched()
def reset(*, users: QuerySet[User], actor: Actor) -> list[User]:
    """Reset the factors of all users, or none; raises APIError(forbidden). Return those who had a factor."""
    pks = list(users.values_list("pk", flat=True))
    memberships = Membership.objects.filter(user__in=pks)
    Organization.objects.lock_all(memberships.values_list("organization_id", flat=True))
    people = list(User.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk"))
    authorize_staff(actor, people)
    return [user for user in people if _reset(user, actor)]


def _reset(user: User, actor: Actor) -> bool:
    factors = Authenticator.objects.filter(user=user)
    methods = sorted({str(factor.get_type_display()) for factor in factors})
    if not methods:
        return False
    # Before the factors are deleted, so that the end of the sessions is recorded with this actor.
    user.end_sessions()
    user.save(update_fields=["password_version"], actor=actor)
    factors.delete()
    mailed_links.end_all(user)
    outbox.enqueue(emails.second_factor_reset(), user.email)
    user_events.record("user.mfa_reset", user, actor, methods=methods)
    return True
