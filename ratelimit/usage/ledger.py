"""Counts of usage merged from SQL and Redis, which both count the same calls."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db.models import F, QuerySet, Sum, Window
from django.db.models.functions import FirstValue, RowNumber

from ratelimit.models import DailyUsage
from ratelimit.store.usage_counters import Counter, Tally

K = TypeVar("K")


@dataclass(slots=True)
class Count:
    """One row of the ledger: a subject's day under one epoch."""

    calls: int = 0
    refused: int = 0
    last_used_at: dt.datetime | None = None
    last_used_ip: str | None = None
    refused_uses: int = 0
    last_refused_at: dt.datetime | None = None
    last_refused_ip: str | None = None

    def raise_to(self, one: Counter) -> None:
        self.calls = max(self.calls, one.calls)
        self.refused = max(self.refused, one.refused)
        self.refused_uses = max(self.refused_uses, one.refused_uses)
        self.seen(one)

    def add(self, part: Count) -> None:
        self.calls += part.calls
        self.refused_uses += part.refused_uses
        self.seen(part)

    def seen(self, one: Count | Counter) -> None:
        if _is_later(one.last_used_at, self.last_used_at):
            self.last_used_at, self.last_used_ip = one.last_used_at, one.last_used_ip
        if _is_later(one.last_refused_at, self.last_refused_at):
            self.last_refused_at, self.last_refused_ip = one.last_refused_at, one.last_refused_ip


def _is_later(at: dt.datetime | None, known: dt.datetime | None) -> bool:
    return at is not None and (known is None or at > known)


Fresh = dict[dt.date, list[Counter]]
Counts = dict[tuple[dt.date, UUID, str], Count]


def merged(rows: QuerySet[DailyUsage], fresh: Fresh, wanted: set[UUID] | None = None) -> Counts:
    """Return by day, subject and epoch the greater count of SQL and Redis, which count the same calls."""
    columns = ("day", "subject", "epoch", *(one.name for one in fields(Count)))
    counts = {
        (day, subject, epoch): Count(*rest) for day, subject, epoch, *rest in rows.values_list(*columns)
    }
    for one in (one for day in fresh.values() for one in day):
        if wanted is None or one.subject in wanted:
            counts.setdefault((one.day, one.subject, one.epoch), Count()).raise_to(one)
    return counts


def summed(rows: QuerySet[DailyUsage]) -> Iterator[tuple[UUID, Count]]:
    """Yield one sum per subject, computed by the database, with the last use and the last refused use."""
    newest_first = F("last_used_at").desc(nulls_last=True)
    refused_first = F("last_refused_at").desc(nulls_last=True)
    of_subject = partial(Window, partition_by="subject")
    summed = rows.annotate(
        total=of_subject(Sum("calls")),
        place=of_subject(RowNumber(), order_by=newest_first),
        total_refused=of_subject(Sum("refused_uses")),
        refused_at=of_subject(FirstValue("last_refused_at"), order_by=refused_first),
        refused_ip=of_subject(FirstValue("last_refused_ip"), order_by=refused_first),
    ).filter(place=1)
    columns = ("last_used_at", "last_used_ip", "total_refused", "refused_at", "refused_ip")
    for subject, total, at, address, refused, *last in summed.values_list("subject", "total", *columns):
        yield subject, Count(int(total), 0, at, address, int(refused), *last)


def sum_tallies(parts: Iterable[tuple[K, dt.date, str, int, dt.datetime]]) -> dict[K, Tally]:
    """Return the sum of each key's parts: the key, day, epoch, count and last time.

    Of several parts with one day and epoch, which count the same, the greatest counts.
    """
    greatest: dict[tuple[K, dt.date, str], Tally] = {}
    for key, day, epoch, count, last in parts:
        tally = greatest.setdefault((key, day, epoch), Tally())
        tally.count, tally.last_at = max(tally.count, count), max(tally.last_at, last)
    sums: dict[K, Tally] = defaultdict(Tally)
    for (key, _, _), tally in greatest.items():
        total = sums[key]
        total.count, total.last_at = total.count + tally.count, max(total.last_at, tally.last_at)
    return sums
