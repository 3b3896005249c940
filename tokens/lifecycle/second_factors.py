"""The first second factor ends every other session of the person, the last one where one is required.

The removal itself is not refused: people change their phones, and the organization's pages lead them to set
the next one up before anything else.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.db import transaction
from django.db.models.signals import post_delete, pre_delete
from django.http import HttpRequest

from accounts.audit import log
from accounts.authentication import browser_proof, browser_sessions, second_factor
from accounts.authentication.user_events import REMOVED_BY
from accounts.models import Membership, Organization, User
from accounts.permissions.actor import Actor
from accounts.proof import Factor
from tokens.audit import sessions as session_trail
from tokens.grants import engine
from tokens.models import Grant
from tokens.sessions import sessions

FIRST = "A second factor was set up"
REMOVED = "The second factor that the organization requires was removed"


def connect() -> None:
    authenticator_added.connect(added, dispatch_uid="tokens.second_factor_added")
    pre_delete.connect(removing, sender=Authenticator, dispatch_uid="tokens.second_factor_removing")
    post_delete.connect(removed, sender=Authenticator, dispatch_uid="tokens.second_factor_removed")


@transaction.atomic
@log.batched()
def added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Setting it up proves it in this browser; what was opened without one elsewhere ends."""
    if authenticator.type not in second_factor.FACTORS:
        return
    browser_proof.record(request, user, Factor(authenticator.type), authenticator=authenticator.pk)
    earlier = Authenticator.objects.filter(user=user, type__in=second_factor.FACTORS, pk__lt=authenticator.pk)
    if not earlier.exists():
        sessions.end_all(user_id=user.pk, reason=FIRST)
        browser_sessions.end_others(request, user)


def removing(instance: Authenticator, origin: Any, **_: Any) -> None:
    """The organizations' locks come before the factor's row, and order two removals at once."""
    if not _goes_with_person(origin):
        mine = Membership.objects.filter(user_id=instance.user_id)
        Organization.objects.lock_all(mine.values_list("organization_id", flat=True))


@transaction.atomic
@log.batched()
def removed(instance: Authenticator, origin: Any, **_: Any) -> None:
    """``instance`` may name who removes it, where a flow has said so."""
    user: User = instance.user
    if _goes_with_person(origin) or instance.type not in second_factor.FACTORS or second_factor.is_on(user):
        return
    actor: Actor = getattr(instance, REMOVED_BY, None) or Actor.of_user(user)
    asking = Organization.objects.not_deleted().filter(mfa_required=True, memberships__user=user)
    for organization_id in sorted(asking.values_list("pk", flat=True)):
        mine = Grant.objects.filter(organization_id=organization_id, user=user)
        number = sessions.living(user.pk).filter(organization_id=organization_id).count()
        engine.revoke(mine, reason=REMOVED)
        if number:
            session_trail.all_ended(organization_id, user, number, REMOVED, actor)


def _goes_with_person(origin: Any) -> bool:
    return isinstance(origin, User) or getattr(origin, "model", None) is User
