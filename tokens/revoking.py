"""Stopping tokens: at once, for good, with who, when and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organization
from tokens.models import ServiceAccountToken


@transaction.atomic
def revoke(*, token: ServiceAccountToken, actor: Actor, reason: str = "") -> ServiceAccountToken:
    """Revoke one token; a second call changes nothing. Returns the row as it stands."""
    Organization.objects.locked(token.organization_id)
    stop(ServiceAccountToken.objects.filter(pk=token.pk), user_id=actor.user_id, reason=reason)
    return ServiceAccountToken.objects.with_people().get(pk=token.pk)


@transaction.atomic
def revoke_many(*, tokens: QuerySet[ServiceAccountToken], actor: Actor, reason: str = "") -> int:
    """Revoke tokens of any organizations, whose locks are taken in the order of their ids."""
    lock_organizations(tokens.values_list("organization_id", flat=True))
    pks = list(tokens.values_list("pk", flat=True))
    return stop(ServiceAccountToken.objects.filter(pk__in=pks), user_id=actor.user_id, reason=reason)


def stop(
    tokens: QuerySet[ServiceAccountToken],
    *,
    user_id: UUID | None,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Stamp those not yet revoked; the caller holds their organizations' locks. Returns how many."""
    return tokens.filter(revoked_at=None).update(
        revoked_at=now or timezone.now(), revoked_by_id=user_id, revoked_reason=reason[:200]
    )


def lock_organizations(organization_ids: Iterable[UUID]) -> None:
    for organization_id in sorted(set(organization_ids)):
        Organization.objects.locked(organization_id)
