"""Usage of the whole installation today, read from Redis and SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from ratelimit.conf import settings
from ratelimit.models import DailyUsage, Reservation
from ratelimit.store import client, day_keys, usage_counters
from ratelimit.store.usage_counters import Counter


@dataclass(frozen=True, slots=True)
class Figures:
    """``undrained`` are the calls in Redis that SQL does not have yet; None if Redis is unavailable."""

    calls_today: int
    refused_today: int
    reserved_today: int
    undrained: int | None


def read(now: dt.datetime | None = None) -> Figures:
    day = (now or timezone.now()).astimezone(dt.UTC).date()
    # Redis is read first, so that calls copied in between are counted once.
    fresh, undrained = _undrained(day)
    stored = DailyUsage.objects.filter(day=day).aggregate(calls=Sum("calls"), refused=Sum("refused"))
    reserved = Reservation.objects.filter(day=day, within=None).aggregate(reserved=Sum("reserved"))
    return Figures(
        calls_today=int(stored["calls"] or 0) + fresh,
        refused_today=int(stored["refused"] or 0),
        reserved_today=int(reserved["reserved"] or 0),
        undrained=undrained,
    )


def _undrained(day: dt.date) -> tuple[int, int | None]:
    """Return the calls that only Redis has: of the day, and of all days."""
    of_day = total = 0
    if not settings.REDIS_URL:
        return 0, 0
    try:
        for keys in day_keys.scan(usage_counters.KIND):
            _, answers = client.pipeline(*(("HGETALL", key) for key in keys))
            found = [
                one
                for key, answer in zip(keys, answers, strict=True)
                for one in usage_counters.parse(*usage_counters.owner(key), answer)
            ]
            for counted_on, missing in _missing(found):
                total += missing
                of_day += missing if counted_on == day else 0
    except client.StoreUnavailable:
        return 0, None
    return of_day, total


def _missing(found: list[Counter]) -> Iterable[tuple[dt.date, int]]:
    rows = DailyUsage.objects.filter(
        bucket__in={one.bucket for one in found}, day__in={one.day for one in found}
    ).exclude(epoch="")
    stored: dict[tuple[UUID, dt.date, str], int] = {
        (subject, day, epoch): calls
        for subject, day, epoch, calls in rows.values_list("subject", "day", "epoch", "calls")
    }
    for one in found:
        yield one.day, max(0, one.calls - stored.get((one.subject, one.day, one.epoch), 0))
