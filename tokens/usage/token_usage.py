"""What one token's calls did: by day or hour, and by permission, network and route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ratelimit.statistics import reports as statistics
from ratelimit.statistics.counts import Names, Outcomes, Seen, Statistics, add_names
from ratelimit.statistics.durations import percentile
from ratelimit.usage import reports
from ratelimit.usage.reports import DayUsage, HourUsage
from tokens.models import ServiceAccountToken

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
OTHER = "other"
# Networks and routes of a report; a day has so many names, but thirty days have more.
MOST = 50
NOTHING = Outcomes()


@dataclass(frozen=True, slots=True)
class Period:
    """One UTC day or hour from ``at``. Calls and refusals are exact, outcomes are statistics."""

    at: datetime
    calls: int
    refused: int
    outcomes: Outcomes

    @property
    def p50_ms(self) -> float | None:
        return _rounded(percentile(self.outcomes.durations, 0.5))

    @property
    def p95_ms(self) -> float | None:
        return _rounded(percentile(self.outcomes.durations, 0.95))


@dataclass(frozen=True, slots=True)
class Use:
    """How often something was used. ``name`` is OTHER for everything beyond the first names of a day."""

    name: str
    seen: Seen

    @property
    def is_other(self) -> bool:
        return self.name == OTHER

    @property
    def method(self) -> str:
        """The method of a name such as ``GET orders-list``."""
        return self.name.partition(" ")[0]

    @property
    def route(self) -> str:
        """The rest of such a name, which is several permissions if forward authentication required them."""
        return self.name.partition(" ")[2] or OTHER


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """``series`` has every period of the range, the oldest first; ``details`` are its days' statistics."""

    series: list[Period]
    details: Statistics

    @property
    def total(self) -> Period:
        """All periods together."""
        outcomes = Outcomes()
        for one in self.series:
            outcomes.add(one.outcomes)
        calls, refused = (sum(getattr(one, name) for one in self.series) for name in ("calls", "refused"))
        return Period(self.series[0].at, calls, refused, outcomes)

    @property
    def busy(self) -> list[Period]:
        """The periods with a call or a refusal, the newest first."""
        return [one for one in reversed(self.series) if one.calls or one.refused]

    @property
    def permissions(self) -> list[Use]:
        return busiest_first(self.details.permissions)

    @property
    def networks(self) -> list[Use]:
        return _busiest(self.details.networks)

    @property
    def methods(self) -> list[Use]:
        return _busiest(self.details.methods)


def by_day(token: ServiceAccountToken, first: date, last: date, now: datetime) -> TokenUsage:
    """Return the usage of each UTC day from ``first`` to ``last``; one round trip and two queries."""
    bucket = token.organization_id
    exact = reports.by_day(bucket, first, last, subjects=[token.pk], now=now)
    days = statistics.by_day(bucket, [token.pk], first, last, now=now)[token.pk]
    outcomes = {_start(day): one.outcomes for day, one in days.items()}
    counts = {_start(row.day): row for row in exact}
    return _usage(_moments(_start(first), _start(last), DAY), counts, outcomes, days)


def by_hour(token: ServiceAccountToken, first: datetime, last: datetime, now: datetime) -> TokenUsage:
    """Return the usage of each hour from that of ``first`` to that of ``last``, both in UTC.

    ``details`` are of all days that these hours belong to. One round trip and two queries.
    """
    bucket = token.organization_id
    exact = reports.by_hour(bucket, first, last, subjects=[token.pk], now=now)
    days = statistics.by_day(bucket, [token.pk], first.date(), last.date(), now=now)[token.pk]
    outcomes = {
        _start(day) + hour * HOUR: found for day, one in days.items() for hour, found in one.hours.items()
    }
    counts = {row.hour: row for row in exact}
    begin = first.replace(minute=0, second=0, microsecond=0)
    return _usage(_moments(begin, last, HOUR), counts, outcomes, days)


def busiest_first(names: Names) -> list[Use]:
    """Return the uses with most calls first, and the rest last."""
    uses = [Use(name or OTHER, seen) for name, seen in names.items()]
    return sorted(uses, key=lambda use: (use.is_other, -use.seen.count, use.name))


def _busiest(names: Names) -> list[Use]:
    """Return MOST uses, and all others together as OTHER."""
    uses = busiest_first(names)
    if len(uses) <= MOST:
        return uses
    rest: Names = {}
    for use in uses[MOST:]:
        add_names(rest, {OTHER: use.seen})
    return [*uses[:MOST], *busiest_first(rest)]


def _usage(
    moments: Iterable[datetime],
    counts: Mapping[datetime, DayUsage | HourUsage],
    outcomes: Mapping[datetime, Outcomes],
    days: Mapping[date, Statistics],
) -> TokenUsage:
    details = Statistics()
    for one in days.values():
        details.add(one)
    series = [
        Period(
            at,
            calls=counts[at].calls if at in counts else 0,
            refused=counts[at].refused if at in counts else 0,
            outcomes=outcomes.get(at, NOTHING),
        )
        for at in moments
    ]
    return TokenUsage(series, details)


def _moments(first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    return [first + number * step for number in range((last - first) // step + 1)]


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
