"""Usage reports without delay: the rows in SQL, and the counts in Redis since the last synchronization."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from uuid import UUID

from django.db.models import F, Max, QuerySet, Sum, Window
from django.db.models.functions import FirstValue, RowNumber
from django.utils import timezone

from ratelimit.models import DailyUsage, HourlyUsage
from ratelimit.sql.reservations import reserved
from ratelimit.store import client, usage_counters
from ratelimit.store.usage_counters import Counter

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RefusedUses:
    """Count of uses of a subject's secret after it became invalid, and the last one."""

    count: int = 0
    last_at: dt.datetime | None = None
    last_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """All usage of one subject."""

    calls: int
    last_used_at: dt.datetime | None
    last_used_ip: str | None
    refused_uses: RefusedUses = RefusedUses()


@dataclass(frozen=True, slots=True)
class DayUsage:
    day: dt.date
    subject: UUID
    calls: int
    refused: int


@dataclass(frozen=True, slots=True)
class Today:
    """The daily limit as in the X-RateLimit headers; ``remaining`` is None if it is unlimited."""

    used: int
    remaining: int | None
    resets_at: dt.datetime


@dataclass(slots=True)
class _Count:
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

    def add(self, part: _Count) -> None:
        self.calls += part.calls
        self.refused_uses += part.refused_uses
        self.seen(part)

    def seen(self, one: _Count | Counter) -> None:
        if _is_later(one.last_used_at, self.last_used_at):
            self.last_used_at, self.last_used_ip = one.last_used_at, one.last_used_ip
        if _is_later(one.last_refused_at, self.last_refused_at):
            self.last_refused_at, self.last_refused_ip = one.last_refused_at, one.last_refused_ip


def _is_later(at: dt.datetime | None, known: dt.datetime | None) -> bool:
    return at is not None and (known is None or at > known)


_Fresh = dict[dt.date, list[Counter]]
_Counts = dict[tuple[dt.date, UUID, str], _Count]


def totals(bucket: UUID, subjects: Iterable[UUID], *, now: dt.datetime | None = None) -> dict[UUID, Usage]:
    """Return each subject's calls since its creation, and its last use; one round trip and two queries."""
    wanted = set(subjects)
    if not wanted:
        return {}
    fresh = usage_counters.live(bucket, *usage_counters.kept_days(now or timezone.now()))
    parts: dict[UUID, list[_Count]] = defaultdict(list)
    rows = DailyUsage.objects.filter(bucket=bucket, subject__in=wanted)
    for subject, count in _summed(rows.exclude(day__in=fresh)):
        parts[subject].append(count)
    for (_, subject, _), count in _counts(rows.filter(day__in=fresh), fresh, wanted).items():
        parts[subject].append(count)
    return {subject: _sum(parts[subject]) for subject in wanted}


def last_uses(bucket: UUID, *, now: dt.datetime | None = None) -> dict[UUID, dt.datetime]:
    """Return the last use of each subject that was ever used; one round trip and one query."""
    rows = DailyUsage.objects.filter(bucket=bucket, last_used_at__isnull=False)
    found = dict(rows.values_list("subject").annotate(last=Max("last_used_at")))
    fresh = usage_counters.live(bucket, *usage_counters.kept_days(now or timezone.now()))
    for one in (one for day in fresh.values() for one in day):
        if one.last_used_at and one.last_used_at > found.get(one.subject, one.last_used_at - DAY):
            found[one.subject] = one.last_used_at
    return found


def last_24_hours(
    bucket: UUID, subjects: Iterable[UUID], *, now: dt.datetime | None = None
) -> dict[UUID, int]:
    """Return the calls since the start of the clock hour 24 hours ago; one round trip, one query."""
    wanted = set(subjects)
    now = (now or timezone.now()).astimezone(dt.UTC)
    since = (now - DAY).replace(minute=0, second=0, microsecond=0)
    fresh = usage_counters.live(bucket, since.date(), now.date() + DAY)
    rows = HourlyUsage.objects.filter(bucket=bucket, subject__in=wanted, hour__gte=since)
    counts = {
        (hour, subject, epoch): calls
        for hour, subject, epoch, calls in rows.values_list("hour", "subject", "epoch", "calls")
    }
    for one in (one for day in fresh.values() for one in day if one.subject in wanted):
        for number, calls in one.hours.items():
            hour = dt.datetime.combine(one.day, dt.time(number), dt.UTC)
            if hour >= since:
                row = (hour, one.subject, one.epoch)
                counts[row] = max(counts.get(row, 0), calls)
    found = dict.fromkeys(wanted, 0)
    for (_, subject, _), calls in counts.items():
        found[subject] += calls
    return found


def by_day(bucket: UUID, first: dt.date, last: dt.date, *, now: dt.datetime | None = None) -> list[DayUsage]:
    """Return calls and refusals of each subject on each day from ``first`` to ``last``, oldest day first."""
    kept_first, kept_last = usage_counters.kept_days(now or timezone.now())
    fresh = usage_counters.live(bucket, max(first, kept_first), min(last, kept_last))
    sums: dict[tuple[dt.date, UUID], list[int]] = defaultdict(lambda: [0, 0])
    rows = DailyUsage.objects.filter(bucket=bucket, day__range=(first, last))
    for (day, subject, _), count in _counts(rows, fresh).items():
        if not count.calls and not count.refused:
            continue
        sums[day, subject][0] += count.calls
        sums[day, subject][1] += count.refused
    return [DayUsage(day, subject, *counts) for (day, subject), counts in sorted(sums.items())]


def today(bucket: UUID, limit: int | None, *, now: dt.datetime | None = None) -> Today:
    """Return the state of the daily limit; one round trip and at most one query."""
    day = ((now or timezone.now()).astimezone(dt.UTC).date() - usage_counters.FIRST_DAY).days
    used, reserved_today = 0, -1
    try:
        run, [state] = client.pipeline(
            ("HMGET", f"tsr:{{{bucket.hex}}}:meter", "run", "day", "used", "reserved")
        )
    except client.StoreUnavailable:
        run, state = "", (None, None, None, None)
    if state[0] is not None and state[0].decode() == run and int(state[1]) >= day:
        day, used, reserved_today = (int(value) for value in state[1:])
    date = usage_counters.FIRST_DAY + dt.timedelta(days=day)
    if used >= reserved_today:
        # The next block begins after every request that SQL has reserved, for any epoch.
        used = max(used, reserved(bucket, date))
    resets_at = dt.datetime.combine(date + DAY, dt.time(), dt.UTC)
    return Today(used, None if limit is None else max(0, limit - used), resets_at)


def _counts(rows: QuerySet[DailyUsage], fresh: _Fresh, wanted: set[UUID] | None = None) -> _Counts:
    """Return by day, subject and epoch the greater count of SQL and Redis, which count the same calls."""
    columns = ("day", "subject", "epoch", *(one.name for one in fields(_Count)))
    counts = {
        (day, subject, epoch): _Count(*rest) for day, subject, epoch, *rest in rows.values_list(*columns)
    }
    for one in (one for day in fresh.values() for one in day):
        if wanted is None or one.subject in wanted:
            counts.setdefault((one.day, one.subject, one.epoch), _Count()).raise_to(one)
    return counts


def _summed(rows: QuerySet[DailyUsage]) -> Iterator[tuple[UUID, _Count]]:
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
        yield subject, _Count(int(total), 0, at, address, int(refused), *last)


def _sum(parts: list[_Count]) -> Usage:
    total = _Count()
    for part in parts:
        total.add(part)
    refused = RefusedUses(total.refused_uses, total.last_refused_at, total.last_refused_ip)
    return Usage(total.calls, total.last_used_at, total.last_used_ip, refused)
