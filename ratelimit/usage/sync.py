"""Periodic job: copy usage counters from Redis to SQL, and delete expired rows."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from ratelimit.models import DailyStatistics, HourlyUsage, RefusedUse, Reservation, Window
from ratelimit.sql import usage_details, usage_rows
from ratelimit.store import client, day_keys, usage_counters

WINDOWS_KEPT_SECONDS = 86_400
# Daily usage is kept for good, and details for so long.
DETAILS_KEPT = dt.timedelta(days=90)


class Sync:
    """Copies the counters to SQL and never changes them, so it may be repeated, run in parallel or killed.

    It remembers what it has copied, so that an organization without calls costs no write.
    """

    def __init__(self) -> None:
        self._stored: dict[bytes, int] = {}

    def __call__(self, *, now: dt.datetime | None = None) -> int:
        """Return how many hashes have changed. Raises StoreUnavailable or a database error."""
        now = now or timezone.now()
        before, self._stored, changed = self._stored, {}, 0
        for keys in day_keys.scan(usage_counters.KIND):
            changed += self._keep(keys, before, now)
        return changed

    def _keep(self, keys: list[bytes], before: dict[bytes, int], now: dt.datetime) -> int:
        _, answers = client.pipeline(*(("HGETALL", key) for key in keys))
        found, versions = [], {}
        for key, answer in zip(keys, answers, strict=True):
            version = versions[key] = hash(tuple(answer))
            if before.get(key) != version:
                found.extend(usage_counters.parse(*usage_counters.owner(key), answer))
        usage_rows.keep(found)
        usage_details.keep(found)
        self._stored |= versions
        day_keys.expire_soon(key for key in keys if usage_counters.owner(key)[1] < now.date())
        return sum(before.get(key) != version for key, version in versions.items())


def prune(*, now: dt.datetime | None = None) -> None:
    """Delete rows that no limit and no page reads any more; daily usage is kept."""
    now = now or timezone.now()
    HourlyUsage.objects.filter(hour__lt=now - DETAILS_KEPT).delete()
    Reservation.objects.filter(day__lt=now.date() - dt.timedelta(days=2)).delete()
    DailyStatistics.objects.filter(day__lt=now.date() - DETAILS_KEPT).delete()
    RefusedUse.objects.filter(day__lt=now.date() - DETAILS_KEPT).delete()
    Window.objects.filter(started_at__lt=now.timestamp() - WINDOWS_KEPT_SECONDS).delete()
