"""Periodic job: copy statistics from Redis to SQL."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from ratelimit.statistics import hashes, rows
from ratelimit.store import client, day_keys

Version = list[bytes | None]


class StatisticsSync:
    """Copies statistics to SQL and never changes them, so it may be repeated, run in parallel or killed.

    It remembers the versions that it has copied, and reads only the others.
    """

    def __init__(self) -> None:
        self._copied: dict[bytes, Version] = {}

    def __call__(self, *, now: dt.datetime | None = None) -> int:
        """Return how many hashes have changed. Raises StoreUnavailable or a database error."""
        today = (now or timezone.now()).astimezone(dt.UTC).date()
        before, self._copied, count = self._copied, {}, 0
        for keys in day_keys.scan(hashes.KIND):
            _, versions = client.pipeline(*(("HMGET", key, "epoch", "revision") for key in keys))
            found = dict(zip(keys, versions, strict=True))
            changed = [key for key, version in found.items() if before.get(key) != version]
            if changed:
                rows.keep(hashes.read(changed))
            self._copied |= found
            count += len(changed)
            day_keys.expire_soon(key for key in keys if hashes.owner(key).day < today)
        return count
