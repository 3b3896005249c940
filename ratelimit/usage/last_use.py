"""The last use of each subject of a bucket, for lists that are ordered or filtered by it."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from ratelimit.models import DailyUsage
from ratelimit.store import day_keys, usage_counters


def stored(bucket: str, subject: str) -> Subquery:
    """Return an expression for the last use in SQL; the arguments name columns of the outer query.

    It reads one row of the index for each subject, where a maximum would read all days of the bucket.
    """
    used = DailyUsage.objects.filter(
        bucket=OuterRef(bucket), subject=OuterRef(subject), last_used_at__isnull=False
    )
    return Subquery(used.order_by("-day", "-last_used_at").values("last_used_at")[:1])


def recent(bucket: UUID, *, now: dt.datetime | None = None) -> dict[UUID, dt.datetime]:
    """Return the last use of each subject that Redis has; one round trip.

    It is empty if Redis is unavailable. SQL may have a later use of a subject, and uses of others.
    """
    fresh = usage_counters.live(bucket, *day_keys.kept_days(now or timezone.now()))
    found: dict[UUID, dt.datetime] = {}
    for one in (one for day in fresh.values() for one in day):
        if one.last_used_at and one.last_used_at > found.get(one.subject, usage_counters.NEVER):
            found[one.subject] = one.last_used_at
    return found
