"""Away with what grants leave behind: successors whose grace is over, and families long dead."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tokens.models import Grant, RefreshToken

# How long an ended family can still be told from one that never was.
KEEP_DAYS = 30
BATCH = 1000


def wipe_successors(now: datetime | None = None) -> int:
    """Forget the sealed successors that no retry may ask for any more; returns how many."""
    over = (now or timezone.now()) - timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    sealed = RefreshToken.objects.filter(successor__isnull=False, used_at__lte=over)
    return sealed.update(successor=None)


def prune_grants(now: datetime | None = None) -> int:
    """Delete families that ended, or that nothing can refresh, before KEEP_DAYS; returns how many."""
    before = (now or timezone.now()) - timedelta(days=KEEP_DAYS)
    ended = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    good = RefreshToken.objects.filter(grant=OuterRef("pk"), used_at=None, expires_at__gte=before)
    # Ids are in the order of their making, so that the young majority need not be looked at.
    older_than_any_refresh_token = Q(pk__lt=_first_id(before - timedelta(days=settings.REFRESH_DAYS)))
    dead = Grant.objects.filter(ended | (older_than_any_refresh_token & ~Exists(good)))
    count = 0
    while pks := list(dead.values_list("pk", flat=True)[:BATCH]):
        count += Grant.objects.filter(pk__in=pks).delete()[1].get("tokens.Grant", 0)
    return count


def _first_id(moment: datetime) -> UUID:
    """The least UUIDv7 that could be made at ``moment``."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
