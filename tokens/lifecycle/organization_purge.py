"""Permanent deletion of organizations whose restore period has ended, in batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import typeid
from accounts.models import AuditEvent, EndUser, Index, Invitation, Membership, Notice, Organization
from accounts.organizations.deletion import GRACE
from ratelimit.models import (
    DailyKeyUsage,
    DailyStatistics,
    DailyUsage,
    HourlyUsage,
    RefusedUse,
    Reservation,
)
from tokens.models import (
    ClientSecret,
    Grant,
    OAuthClient,
    RefreshToken,
    ServiceAccountToken,
    TokenSecret,
)

logger = logging.getLogger(__name__)

BATCH = 1000
# Clocks differ between servers, and an organization must not be restored while it is erased.
MARGIN = timedelta(hours=1)


def purge_organizations(now: datetime | None = None) -> int:
    """Erase organizations deleted more than GRACE ago. Returns their number. Safe to repeat."""
    before = (now or timezone.now()) - GRACE - MARGIN
    due = Organization.objects.filter(deleted_at__lte=before).order_by("deleted_at")
    chosen = list(due.values_list("pk", flat=True))
    for pk in chosen:
        for rows in _rows_of(pk):
            _erase(rows)
        _erase_itself(pk)
        logger.info("Erased %s, which was deleted before %s", typeid.encode("org", pk), before)
    return len(chosen)


def _rows_of(pk: UUID) -> Iterator[QuerySet[Any]]:
    """Return the large tables, referencing rows first. The organization's cascade deletes the rest."""
    yield RefreshToken.objects.filter(grant__organization=pk)
    yield Grant.objects.filter(organization=pk)
    yield ClientSecret.objects.filter(client__organization=pk)
    yield OAuthClient.objects.filter(organization=pk)
    yield TokenSecret.objects.filter(token__organization=pk)
    yield ServiceAccountToken.objects.filter(organization=pk)
    yield Invitation.objects.filter(organization=pk)
    yield Index.objects.filter(organization=pk)
    yield EndUser.objects.filter(organization=pk)
    yield DailyUsage.objects.filter(bucket=pk)
    yield DailyKeyUsage.objects.filter(bucket=pk)
    yield HourlyUsage.objects.filter(bucket=pk)
    yield DailyStatistics.objects.filter(bucket=pk)
    yield RefusedUse.objects.filter(bucket=pk)
    yield Reservation.objects.filter(Q(bucket=pk) | Q(within=pk))
    yield Notice.objects.filter(organization=pk)
    yield Membership.objects.filter(organization=pk)
    yield AuditEvent.objects.filter(organization=pk)


def _erase(rows: QuerySet[Any]) -> None:
    """Delete in one transaction for each batch, so that locks are short."""
    while pks := list(rows.order_by().values_list("pk", flat=True)[:BATCH]):
        # AuditEvent refuses deletion, because the audit log is append-only. This is the only exception.
        QuerySet.delete(rows.model._default_manager.filter(pk__in=pks))


@transaction.atomic
def _erase_itself(pk: UUID) -> None:
    Organization.objects.lock_all([pk])
    Organization.objects.filter(pk=pk).exclude(deleted_at=None).delete()
