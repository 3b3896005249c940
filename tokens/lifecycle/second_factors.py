"""Signal receivers of second factors.

Setting up the first factor ends every other session of the person. Removing the last factor ends the
sessions in organizations that require one. The removal itself is allowed, because people change their
phones: the organization's pages then require a new factor first.
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
from accounts.models import Membership, Organization, User
from accounts.permissions.actor import Actor
from accounts.proof import Factor
from tokens.audit import session_events
from tokens.grants import revocation
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
    """Record the factor as proof of this browser. The first factor ends all other sessions."""
    if authenticator.type not in second_factor.FACTORS:
        return
    browser_proof.record(request, user, Factor(authenticator.type), authenticator=authenticator.pk)
    earlier = Authenticator.objects.filter(user=user, type__in=second_factor.FACTORS, pk__lt=authenticator.pk)
    if not earlier.exists():
        sessions.end_all(user_id=user.pk, reason=FIRST)
        browser_sessions.end_others(request, user)


def removing(instance: Authenticator, origin: Any, **_: Any) -> None:
    """Lock the organizations before the factor's row, so that concurrent removals are ordered."""
    if not _is_user_deletion(origin):
        mine = Membership.objects.filter(user_id=instance.user_id)
        Organization.objects.lock_all(mine.values_list("organization_id", flat=True))


@transaction.atomic
@log.batched()
def removed(instance: Authenticator, origin: Any, **_: Any) -> None:
    """Revoke the person's grants in organizations that require a factor."""
    user: User = instance.user
    if _is_user_deletion(origin) or instance.type not in second_factor.FACTORS or second_factor.is_on(user):
        return
    requiring = Organization.objects.not_deleted().filter(mfa_required=True, memberships__user=user)
    for organization_id in sorted(requiring.values_list("pk", flat=True)):
        mine = Grant.objects.filter(organization_id=organization_id, user=user)
        number = sessions.active(user.pk).filter(organization_id=organization_id).count()
        revocation.revoke(mine, reason=REMOVED)
        if number:
            session_events.all_ended(organization_id, user, number, REMOVED, Actor.of_user(user))


def _is_user_deletion(origin: Any) -> bool:
    return isinstance(origin, User) or getattr(origin, "model", None) is User
