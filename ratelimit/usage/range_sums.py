"""Sums over many days, computed by the database, with the counts in Redis since the last synchronization."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, F, QuerySet, Sum, When
from django.db.models.functions import TruncMonth
from django.utils import timezone

from ratelimit.models import DailyUsage, RefusedUse
from ratelimit.store import day_keys, usage_counters
from ratelimit.usage.ledger import Fresh


@dataclass(frozen=True, slots=True)
class MonthUsage:
    """``month`` is its first day."""

    month: dt.date
    subject: UUID
    calls: int
    refused: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Calls over a limit, and uses of an invalid secret. ``by_cause`` has those uses that have a cause."""

    over_limit: int
    uses: int
    by_cause: dict[str, int]


def by_month(
    bucket: UUID, first: dt.date, last: dt.date, *, now: dt.datetime | None = None
) -> list[MonthUsage]:
    """Return calls and refusals of each subject in each month, oldest first; one round trip and one query.

    Days before ``first`` and after ``last`` are left out.
    """
    fresh = _fresh(bucket, first, last, now)
    rows = DailyUsage.objects.filter(bucket=bucket, day__range=(first, last)).annotate(
        month=TruncMonth("day")
    )
    sums = _sums(rows, fresh, ("month", "subject"), ("day", "epoch"), ("calls", "refused"))
    for one in (one for day in fresh.values() for one in day):
        key = (one.day.replace(day=1), one.subject)
        sums.raise_to(key, (one.day, one.epoch), (one.calls, one.refused))
    return [MonthUsage(*key, *counts) for key, counts in sorted(sums.by_key().items()) if any(counts)]


def refused(bucket: UUID, first: dt.date, last: dt.date, *, now: dt.datetime | None = None) -> Refused:
    """Return the exact counts from ``first`` to ``last``; one round trip and two queries.

    Causes are kept for 90 days.
    """
    fresh = _fresh(bucket, first, last, now)
    own = {"bucket": bucket, "day__range": (first, last)}
    part = ("subject", "day", "epoch")
    totals = _sums(DailyUsage.objects.filter(**own), fresh, (), part, ("refused", "refused_uses"))
    causes = _sums(RefusedUse.objects.filter(**own), fresh, ("cause",), (*part, "address"), ("count",))
    for one in (one for day in fresh.values() for one in day):
        whose = (one.subject, one.day, one.epoch)
        totals.raise_to((), whose, (one.refused, one.refused_uses))
        for detail, tally in one.refused_addresses.items():
            cause, _, address = detail.partition("|")
            causes.raise_to((cause,), (*whose, address), (tally.count,))
    over_limit, uses = totals.by_key().get((), (0, 0))
    return Refused(over_limit, uses, {cause: count for (cause,), (count,) in causes.by_key().items()})


class _Sums:
    """Sums by key and part. A part of a fresh day is one row of SQL, which Redis counts, too."""

    def __init__(self) -> None:
        self.counts: dict[tuple[tuple[Any, ...], tuple[Any, ...]], tuple[int, ...]] = {}

    def raise_to(self, key: tuple[Any, ...], part: tuple[Any, ...], counted: tuple[int, ...]) -> None:
        known = self.counts.get((key, part), (0,) * len(counted))
        self.counts[key, part] = tuple(map(max, known, counted))

    def by_key(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        found: dict[tuple[Any, ...], tuple[int, ...]] = {}
        for (key, _), counts in self.counts.items():
            known = found.get(key, (0,) * len(counts))
            found[key] = tuple(one + other for one, other in zip(known, counts, strict=True))
        return found


def _sums(
    rows: QuerySet[Any],
    fresh: Fresh,
    key: tuple[str, ...],
    part: tuple[str, ...],
    counts: tuple[str, ...],
) -> _Sums:
    """Let the database sum the ``counts`` of each key: fresh days by part, all other days together."""
    of_part = {f"part_{name}": Case(When(day__in=list(fresh), then=F(name))) for name in part}
    totals = {f"sum_{name}": Sum(name) for name in counts}
    sums = _Sums()
    for found in rows.order_by().values(*key, **of_part).annotate(**totals):
        numbers = tuple(int(found[name]) for name in totals)
        sums.raise_to(tuple(found[name] for name in key), tuple(found[name] for name in of_part), numbers)
    return sums


def _fresh(bucket: UUID, first: dt.date, last: dt.date, now: dt.datetime | None) -> Fresh:
    kept_first, kept_last = day_keys.kept_days(now or timezone.now())
    return usage_counters.live(bucket, max(first, kept_first), min(last, kept_last))
