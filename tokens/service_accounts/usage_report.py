"""Calls and refusals by day and caller, for GET /api/v1/usage and the usage page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from accounts import typeid
from ratelimit.usage import reports
from ratelimit.usage.reports import DayUsage
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.usage_chart import Point

RANGES = (7, 30, 90)
DEFAULT = 30
PEOPLE_NAME = "People’s sessions"


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

    def add(self, row: DayUsage, caller: Caller) -> None:
        self.calls += row.calls
        self.refused += row.refused
        if caller.is_charged:
            self.charged += row.calls

    @property
    def uncharged(self) -> int:
        return self.calls - self.charged


@dataclass(frozen=True, slots=True)
class Figures:
    """``days`` and ``by_day`` have every day of the range; ``callers`` are sorted by calls, most first."""

    first: date
    last: date
    total: Count
    days: dict[date, Count]
    callers: list[tuple[Caller, Count]]
    by_day: dict[date, dict[Caller, Count]]

    @property
    def is_empty(self) -> bool:
        return not self.total.calls and not self.total.refused

    @property
    def points(self) -> list[Point]:
        """The days as a chart takes them."""
        return [
            Point(
                f"{day:%a} {day.day} {day:%b %Y}",
                f"{day.day} {day:%b}",
                {"charged": count.charged, "uncharged": count.uncharged},
                count.refused,
            )
            for day, count in self.days.items()
        ]


def chosen_range(text: str | None) -> int:
    """Return the number of days from the query string, or the default for an invalid value."""
    return next((days for days in RANGES if str(days) == text), DEFAULT)


def recent(organization_id: UUID, days: int, now: datetime) -> Figures:
    """Return the figures of the last ``days`` UTC days, today included."""
    last = now.astimezone(UTC).date()
    return figures(organization_id, last - timedelta(days=days - 1), last, now)


def figures(organization_id: UUID, first: date, last: date, now: datetime) -> Figures:
    """Return the figures from ``first`` to ``last``, both included: one round trip and three queries."""
    rows = reports.by_day(organization_id, first, last, now=now)
    return _summed(first, last, rows, _callers(organization_id, rows, now))


def _callers(organization_id: UUID, rows: Iterable[DayUsage], now: datetime) -> dict[UUID, Caller]:
    subjects = {row.subject for row in rows}
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


def _summed(first: date, last: date, rows: Iterable[DayUsage], known: Mapping[UUID, Caller]) -> Figures:
    total = Count()
    days = {first + timedelta(days=number): Count() for number in range((last - first).days + 1)}
    callers: defaultdict[Caller, Count] = defaultdict(Count)
    by_day: dict[date, dict[Caller, Count]] = {day: {} for day in days}
    for row in rows:
        caller = known.get(row.subject, PEOPLE)
        cell = by_day[row.day].setdefault(caller, Count())
        for count in (total, days[row.day], callers[caller], cell):
            count.add(row, caller)
    busiest = sorted(callers.items(), key=lambda found: (-found[1].calls, found[0].name, found[0].public_id))
    return Figures(first, last, total, days, busiest, by_day)
