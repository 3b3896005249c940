"""Calls and refusals by hour, day or month and caller, for GET /api/v1/usage and the usage page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from accounts import typeid
from ratelimit.usage import range_sums, reports
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.usage.chart import Point
from tokens.usage.spans import DAY, HOUR, MONTH, Span, Unit, periods

PEOPLE_NAME = "People’s sessions"
# A period, a subject, its calls and its refusals.
Row = tuple[date, UUID, int, int]


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, a client, or all people together, whose sessions are not charged to the plan."""

    kind: str
    name: str
    public_id: str = ""
    has_ended: bool = False
    is_paused: bool = False

    @property
    def is_charged(self) -> bool:
        return self.kind != "people"


PEOPLE = Caller("people", PEOPLE_NAME)


@dataclass(slots=True)
class Count:
    """``charged`` are the calls that count towards the plan's limit."""

    calls: int = 0
    refused: int = 0
    charged: int = 0

    def add(self, other: Count) -> None:
        self.calls += other.calls
        self.refused += other.refused
        self.charged += other.charged

    @property
    def uncharged(self) -> int:
        return self.calls - self.charged


@dataclass(frozen=True, slots=True)
class Figures:
    """``counts`` and ``by_period`` have every period; ``callers`` are sorted by calls, most first.

    ``first`` and ``last`` are days. ``programs`` are the subjects that are charged to the plan.
    """

    unit: Unit
    first: date
    last: date
    total: Count
    counts: dict[date, Count]
    callers: list[tuple[Caller, Count]]
    by_period: dict[date, dict[Caller, Count]]
    programs: Mapping[UUID, Caller]

    @property
    def is_empty(self) -> bool:
        return not self.total.calls and not self.total.refused

    @property
    def points(self) -> list[Point]:
        """The periods as a chart takes them; an unfinished day has all its hours."""
        return [
            Point(
                self.unit.named(period),
                self.unit.tick(period),
                {"charged": count.charged, "uncharged": count.uncharged},
                count.refused,
            )
            for period in periods(self.unit, self.first, self.last)
            for count in (self.counts.get(period, Count()),)
        ]


def recent(organization_id: UUID, span: Span, now: datetime) -> Figures:
    """Return the figures of the span up to ``now``."""
    last = now.astimezone(UTC).date()
    return figures(organization_id, span.first(last), last, now, span.unit)


def figures(organization_id: UUID, first: date, last: date, now: datetime, unit: Unit = DAY) -> Figures:
    """Return the figures from ``first`` to ``last``, both included: one round trip and three queries."""
    rows = READERS[unit](organization_id, first, last, now)
    return _summed(unit, first, last, rows, _programs(organization_id, rows, now), now)


def _hours(organization_id: UUID, first: date, last: date, now: datetime) -> list[Row]:
    start, end = (datetime.combine(first, time(), UTC), datetime.combine(last, time(23), UTC))
    rows = reports.by_hour(organization_id, start, end, now=now)
    return [(one.hour, one.subject, one.calls, one.refused) for one in rows]


def _days(organization_id: UUID, first: date, last: date, now: datetime) -> list[Row]:
    rows = reports.by_day(organization_id, first, last, now=now)
    return [(one.day, one.subject, one.calls, one.refused) for one in rows]


def _months(organization_id: UUID, first: date, last: date, now: datetime) -> list[Row]:
    rows = range_sums.by_month(organization_id, first, last, now=now)
    return [(one.month, one.subject, one.calls, one.refused) for one in rows]


READERS = {HOUR: _hours, DAY: _days, MONTH: _months}


def _programs(organization_id: UUID, rows: Iterable[Row], now: datetime) -> dict[UUID, Caller]:
    subjects = {subject for _, subject, _, _ in rows}
    tokens = ServiceAccountToken.objects.filter(organization_id=organization_id, pk__in=subjects)
    clients = OAuthClient.objects.filter(organization_id=organization_id, pk__in=subjects)
    columns = ("name", "revoked_at", "paused_at", "paused_until", "resumed_at")
    return {token.pk: _caller(token, now) for token in tokens.only(*columns)} | {
        pk: Caller("client", name, typeid.encode("cli", pk), ended is not None)
        for pk, name, ended in clients.values_list("pk", "name", "deleted_at")
    }


def _caller(token: ServiceAccountToken, now: datetime) -> Caller:
    has_ended = token.revoked_at is not None
    is_paused = not has_ended and token.is_paused(now)
    return Caller("token", token.name, token.public_id, has_ended, is_paused)


def _summed(
    unit: Unit,
    first: date,
    last: date,
    rows: Sequence[Row],
    programs: Mapping[UUID, Caller],
    now: datetime,
) -> Figures:
    total = Count()
    counts = {period: Count() for period in _begun(unit, first, last, rows, now)}
    callers: defaultdict[Caller, Count] = defaultdict(Count)
    by_period: dict[date, dict[Caller, Count]] = {period: {} for period in counts}
    for period, subject, calls, refused in rows:
        caller = programs.get(subject, PEOPLE)
        row = Count(calls, refused, calls if caller.is_charged else 0)
        cell = by_period[period].setdefault(caller, Count())
        for count in (total, counts[period], callers[caller], cell):
            count.add(row)
    busiest = sorted(callers.items(), key=lambda found: (-found[1].calls, found[0].name, found[0].public_id))
    return Figures(unit, first, last, total, counts, busiest, by_period, programs)


def _begun(unit: Unit, first: date, last: date, rows: Sequence[Row], now: datetime) -> list[date]:
    """Return the periods without the hours of today that are still to come."""
    found = periods(unit, first, last)
    if unit is not HOUR:
        return found
    latest = max([now, *(hour for hour, *_ in rows)])
    return [hour for hour in found if hour <= latest]
