"""Whoever removes their last second factor loses their sessions where an organization requires one.

The removal itself is not refused: people change their phones, and the organization's pages lead them to set
the next one up before anything else.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models.signals import post_delete, pre_delete

from accounts import audit, second_factor
from accounts.actors import Actor
from accounts.models import Membership, Organization, User
from accounts.people_trail import REMOVED_BY, themselves
from tokens import grants, session_trail, sessions
from tokens.models import Grant

REMOVED = "The second factor that the organization requires was removed"


def connect() -> None:
    pre_delete.connect(removing, sender=Authenticator, dispatch_uid="tokens.second_factor_removing")
    post_delete.connect(removed, sender=Authenticator, dispatch_uid="tokens.second_factor_removed")


def removing(instance: Authenticator, origin: Any, **_: Any) -> None:
    """The organizations' locks come before the factor's row, and order two removals at once."""
    if not _goes_with_person(origin):
        mine = Membership.objects.filter(user_id=instance.user_id)
        Organization.objects.lock_all(mine.values_list("organization_id", flat=True))


@transaction.atomic
@audit.gathered()
def removed(instance: Authenticator, origin: Any, **_: Any) -> None:
    """``instance`` may name who removes it, where a flow has said so."""
    user: User = instance.user
    if _goes_with_person(origin) or instance.type not in second_factor.FACTORS or second_factor.is_on(user):
        return
    actor: Actor = getattr(instance, REMOVED_BY, None) or themselves(user)
    asking = Organization.objects.living().filter(mfa_required=True, memberships__user=user)
    for organization_id in sorted(asking.values_list("pk", flat=True)):
        mine = Grant.objects.filter(organization_id=organization_id, user=user)
        number = sessions.living(user.pk).filter(organization_id=organization_id).count()
        grants.revoke(mine, reason=REMOVED)
        if number:
            session_trail.all_ended(organization_id, user, number, REMOVED, actor)


def _goes_with_person(origin: Any) -> bool:
    return isinstance(origin, User) or getattr(origin, "model", None) is User
