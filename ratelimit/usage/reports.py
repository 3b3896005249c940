"""Usage reports without delay: the rows in SQL, and the counts in Redis since the last synchronization."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max, Sum
from django.utils import timezone

from ratelimit.models import DailyKeyUsage, DailyUsage, HourlyUsage
from ratelimit.sql.reservations import reserved
from ratelimit.store import client, day_keys, usage_counters
from ratelimit.usage.ledger import Count, merged, sum_tallies, summed

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
class KeyUsage:
    """All usage with one key of a subject."""

    calls: int
    last_used_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RecentAddress:
    """The address of a subject's last call on one UTC day, with all its calls on that day."""

    address: str
    day: dt.date
    calls: int
    last_used_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DayUsage:
    day: dt.date
    subject: UUID
    calls: int
    refused: int


@dataclass(frozen=True, slots=True)
class HourUsage:
    """``hour`` is the start of a UTC hour."""

    hour: dt.datetime
    subject: UUID
    calls: int
    refused: int


@dataclass(frozen=True, slots=True)
class Today:
    """The daily limit as in the X-RateLimit headers; ``remaining`` is None if it is unlimited."""

    used: int
    remaining: int | None
    resets_at: dt.datetime


def totals(bucket: UUID, subjects: Iterable[UUID], *, now: dt.datetime | None = None) -> dict[UUID, Usage]:
    """Return each subject's calls since its creation, and its last use; one round trip and two queries."""
    wanted = set(subjects)
    if not wanted:
        return {}
    fresh = usage_counters.live(bucket, *day_keys.kept_days(now or timezone.now()))
    parts: dict[UUID, list[Count]] = defaultdict(list)
    rows = DailyUsage.objects.filter(bucket=bucket, subject__in=wanted)
    for subject, count in summed(rows.exclude(day__in=fresh)):
        parts[subject].append(count)
    for (_, subject, _), count in merged(rows.filter(day__in=fresh), fresh, wanted).items():
        parts[subject].append(count)
    return {subject: _sum(parts[subject]) for subject in wanted}


def by_key(bucket: UUID, subject: UUID, *, now: dt.datetime | None = None) -> dict[int, KeyUsage]:
    """Return the usage with each key that was ever used; one round trip and two queries."""
    return by_keys(bucket, [subject], now=now)[subject]


def by_keys(
    bucket: UUID, subjects: Iterable[UUID], *, now: dt.datetime | None = None
) -> dict[UUID, dict[int, KeyUsage]]:
    """Return each subject's usage with each key that was ever used; one round trip and two queries."""
    wanted = set(subjects)
    found: dict[UUID, dict[int, KeyUsage]] = {subject: {} for subject in wanted}
    if not wanted:
        return found
    fresh = usage_counters.live(bucket, *day_keys.kept_days(now or timezone.now()))
    rows = DailyKeyUsage.objects.filter(bucket=bucket, subject__in=wanted)
    older = rows.exclude(day__in=fresh).values_list("subject", "key")
    parts = [
        ((subject, key), dt.date.min, "", int(calls), last)
        for subject, key, calls, last in older.annotate(Sum("calls"), Max("last_used_at"))
    ]
    columns = ("subject", "key", "day", "epoch", "calls", "last_used_at")
    parts += [
        ((subject, key), *rest) for subject, key, *rest in rows.filter(day__in=fresh).values_list(*columns)
    ]
    for one in (one for day in fresh.values() for one in day if one.subject in wanted):
        for key, part in one.keys.items():
            parts.append(((one.subject, int(key)), one.day, one.epoch, part.count, part.last_at))
    for (subject, key), total in sum_tallies(parts).items():
        found[subject][key] = KeyUsage(total.count, total.last_at)
    return found


def last_uses(
    bucket: UUID, *, now: dt.datetime | None = None, read: usage_counters.Reader = usage_counters.live
) -> dict[UUID, dt.datetime]:
    """Return the last use of each subject that was ever used; one round trip and one query.

    With ``usage_counters.read`` it raises StoreUnavailable instead of leaving out what only Redis has.
    """
    fresh = read(bucket, *day_keys.kept_days(now or timezone.now()))
    rows = DailyUsage.objects.filter(bucket=bucket, last_used_at__isnull=False)
    found = dict(rows.values_list("subject").annotate(last=Max("last_used_at")))
    for one in (one for day in fresh.values() for one in day):
        if one.last_used_at and one.last_used_at > found.get(one.subject, one.last_used_at - DAY):
            found[one.subject] = one.last_used_at
    return found


def recent_addresses(
    bucket: UUID, subjects: Iterable[UUID], days: int, *, now: dt.datetime | None = None
) -> dict[UUID, list[RecentAddress]]:
    """Return each subject's last address on each of the last ``days`` UTC days, newest day first.

    Days without a call or with an unknown address are left out. One round trip and one query.
    """
    wanted = set(subjects)
    now = now or timezone.now()
    last = now.astimezone(dt.UTC).date()
    first = last - (days - 1) * DAY
    fresh = usage_counters.live(bucket, max(first, day_keys.kept_days(now)[0]), last)
    rows = DailyUsage.objects.filter(bucket=bucket, subject__in=wanted, day__range=(first, last))
    sums: dict[tuple[dt.date, UUID], Count] = defaultdict(Count)
    for (day, subject, _), count in merged(rows, fresh, wanted).items():
        sums[day, subject].add(count)
    found: dict[UUID, list[RecentAddress]] = {subject: [] for subject in wanted}
    for (day, subject), count in sorted(sums.items(), key=lambda one: one[0], reverse=True):
        if count.last_used_at and count.last_used_ip:
            found[subject].append(RecentAddress(count.last_used_ip, day, count.calls, count.last_used_at))
    return found


def last_24_hours(
    bucket: UUID, subjects: Iterable[UUID], *, now: dt.datetime | None = None
) -> dict[UUID, int]:
    """Return the calls since the start of the clock hour 24 hours ago; one round trip, one query."""
    now = (now or timezone.now()).astimezone(dt.UTC)
    found = dict.fromkeys(subjects, 0)
    for one in by_hour(bucket, now - DAY, now + DAY, subjects=found, now=now):
        found[one.subject] += one.calls
    return found


def by_hour(
    bucket: UUID,
    first: dt.datetime,
    last: dt.datetime,
    *,
    subjects: Iterable[UUID] | None = None,
    now: dt.datetime | None = None,
) -> list[HourUsage]:
    """Return calls and refusals of each subject in each hour from that of ``first`` to that of ``last``.

    The oldest hour is first. Without ``subjects`` it is every subject of the bucket. Takes one round trip and
    one query. Hours are kept for 90 days.
    """
    wanted = None if subjects is None else set(subjects)
    first = first.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    kept_first, kept_last = day_keys.kept_days(now or timezone.now())
    fresh = usage_counters.live(
        bucket, max(first.date(), kept_first), min(last.astimezone(dt.UTC).date(), kept_last)
    )
    rows = HourlyUsage.objects.filter(bucket=bucket, hour__range=(first, last))
    if wanted is not None:
        rows = rows.filter(subject__in=wanted)
    columns = rows.values_list("hour", "subject", "epoch", "calls", "refused")
    counts = {(hour, subject, epoch): tuple(rest) for hour, subject, epoch, *rest in columns}
    for one in (one for day in fresh.values() for one in day if wanted is None or one.subject in wanted):
        for hour, *read in one.by_hour():
            if first <= hour <= last:
                row = (hour, one.subject, one.epoch)
                counts[row] = tuple(map(max, counts.get(row, (0, 0)), read))
    sums: dict[tuple[dt.datetime, UUID], list[int]] = defaultdict(lambda: [0, 0])
    for (hour, subject, _), (calls, refused) in counts.items():
        sums[hour, subject][0] += calls
        sums[hour, subject][1] += refused
    return [HourUsage(hour, subject, *count) for (hour, subject), count in sorted(sums.items())]


def by_day(
    bucket: UUID,
    first: dt.date,
    last: dt.date,
    *,
    subjects: Iterable[UUID] | None = None,
    now: dt.datetime | None = None,
) -> list[DayUsage]:
    """Return calls and refusals of each subject on each day from ``first`` to ``last``, oldest day first.

    Without ``subjects`` it is every subject of the bucket.
    """
    wanted = None if subjects is None else set(subjects)
    kept_first, kept_last = day_keys.kept_days(now or timezone.now())
    fresh = usage_counters.live(bucket, max(first, kept_first), min(last, kept_last))
    sums: dict[tuple[dt.date, UUID], list[int]] = defaultdict(lambda: [0, 0])
    rows = DailyUsage.objects.filter(bucket=bucket, day__range=(first, last))
    if wanted is not None:
        rows = rows.filter(subject__in=wanted)
    for (day, subject, _), count in merged(rows, fresh, wanted).items():
        if not count.calls and not count.refused:
            continue
        sums[day, subject][0] += count.calls
        sums[day, subject][1] += count.refused
    return [DayUsage(day, subject, *counts) for (day, subject), counts in sorted(sums.items())]


def today(bucket: UUID, limit: int | None, *, now: dt.datetime | None = None) -> Today:
    """Return the state of the daily limit; one round trip and at most one query."""
    day = day_keys.number_of((now or timezone.now()).astimezone(dt.UTC).date())
    used, reserved_today = 0, -1
    try:
        run, [state] = client.pipeline(
            ("HMGET", f"tsr:{{{bucket.hex}}}:meter", "run", "day", "used", "reserved")
        )
    except client.StoreUnavailable:
        run, state = "", (None, None, None, None)
    if state[0] is not None and state[0].decode() == run and int(state[1]) >= day:
        day, used, reserved_today = (int(value) for value in state[1:])
    date = day_keys.FIRST_DAY + dt.timedelta(days=day)
    if used >= reserved_today:
        # The next block begins after every request that SQL has reserved, for any epoch.
        used = max(used, reserved(bucket, date))
    resets_at = dt.datetime.combine(date + DAY, dt.time(), dt.UTC)
    return Today(used, None if limit is None else max(0, limit - used), resets_at)


def _sum(parts: list[Count]) -> Usage:
    total = Count()
    for part in parts:
        total.add(part)
    refused = RefusedUses(total.refused_uses, total.last_refused_at, total.last_refused_ip)
    return Usage(total.calls, total.last_used_at, total.last_used_ip, refused)
