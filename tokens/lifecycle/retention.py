"""Deletion of sealed successors after the grace period, and of grants that ended long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tokens.models import Grant, RefreshToken

# How long an ended grant is distinguished from one that never existed.
KEEP_DAYS = 30
BATCH = 1000


def wipe_successors(now: datetime | None = None) -> int:
    """Delete the sealed successors past the grace period for retries. Returns their number."""
    over = (now or timezone.now()) - timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    sealed = RefreshToken.objects.filter(successor__isnull=False, used_at__lte=over)
    return sealed.update(successor=None)


def prune_grants(now: datetime | None = None) -> int:
    """Delete grants that ended, or could last be refreshed, more than KEEP_DAYS ago. Returns their number."""
    before = (now or timezone.now()) - timedelta(days=KEEP_DAYS)
    ended = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    valid = RefreshToken.objects.filter(grant=OuterRef("pk"), used_at=None, expires_at__gte=before)
    # Ids are ordered by creation time, so recent grants, the majority, are not scanned.
    older_than_any_refresh_token = Q(pk__lt=_first_id(before - timedelta(days=settings.REFRESH_DAYS)))
    ended_grants = Grant.objects.filter(ended | (older_than_any_refresh_token & ~Exists(valid)))
    count = 0
    while pks := list(ended_grants.values_list("pk", flat=True)[:BATCH]):
        count += Grant.objects.filter(pk__in=pks).delete()[1].get("tokens.Grant", 0)
    return count


def _first_id(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of ``moment``."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
