"""Start of the counts of a subject's calls by key."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from ratelimit.models import DailyKeyUsage
from ratelimit.usage import reports


def begin(bucket: UUID, subject: UUID, key: int, *, now: dt.datetime) -> None:
    """Keep the last call so far as the last one with ``key``, for a subject whose calls had no key yet.

    The calls themselves are not counted again: they are those of the subject without those with a key.
    """
    last = reports.totals(bucket, [subject], now=now)[subject].last_used_at
    if last is not None:
        day = last.astimezone(dt.UTC).date()
        about = {"bucket": bucket, "calls": 0, "last_used_at": last}
        DailyKeyUsage.objects.get_or_create(subject=subject, key=key, day=day, epoch="", defaults=about)
