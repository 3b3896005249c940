"""Stopping tokens: at once, for good, with who, when and why."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import DateTimeField, F, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Organization
from ratelimit import refusals
from ratelimit.refusals import Refused
from tokens import trail
from tokens.models import ServiceAccountToken

PARENT_REVOKED = "The token that created it was revoked"


@transaction.atomic
def revoke(*, token: ServiceAccountToken, actor: Actor, reason: str = "") -> ServiceAccountToken:
    """Revoke one token; a second call changes nothing. Returns the row as it stands.

    Raises Refused(not_found) where it has been deleted with its organization.
    """
    Organization.objects.lock_all([token.organization_id])
    if not stop(ServiceAccountToken.objects.filter(pk=token.pk), actor=actor, reason=reason):
        Organization.objects.confirm([token.organization_id])
    found = ServiceAccountToken.objects.all().with_people().filter(pk=token.pk).first()
    if found is None:
        raise Refused(refusals.NOT_FOUND)
    return found


@transaction.atomic
def revoke_many(*, tokens: QuerySet[ServiceAccountToken], actor: Actor, reason: str = "") -> int:
    """Revoke tokens of any organizations, whose locks are taken in the order of their ids."""
    chosen = dict(tokens.values_list("pk", "organization_id"))
    Organization.objects.lock_all(chosen.values())
    stopped = stop(ServiceAccountToken.objects.filter(pk__in=chosen), actor=actor, reason=reason)
    # Some may have been stopped before, by a call whose confirmation got lost.
    Organization.objects.confirm(chosen.values())
    return stopped


@audit.gathered()
def stop(
    tokens: QuerySet[ServiceAccountToken],
    *,
    actor: Actor,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Stamp those not yet revoked; the caller holds their organizations' locks. Returns how many.

    What they have created ends with them, and is not counted.
    """
    stopping = list(tokens.filter(revoked_at=None).only("id", "name", "organization_id").order_by("pk"))
    if not stopping:
        return 0
    # The clock of the server that made a token may be ahead of this one's, and the stop must not fail.
    moment = Greatest(F("created_at"), Value(now or timezone.now(), DateTimeField()))
    ServiceAccountToken.objects.filter(pk__in=[token.pk for token in stopping]).update(
        revoked_at=moment, revoked_by_id=actor.user_id, revoked_reason=reason[:200]
    )
    Organization.objects.advance(token.organization_id for token in stopping)
    trail.revoked(stopping, actor, reason[:200])
    children = ServiceAccountToken.objects.filter(parent__in=[token.pk for token in stopping])
    stop(children, actor=actor, reason=PARENT_REVOKED, now=now)
    return len(stopping)
