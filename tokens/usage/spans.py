"""Spans that the usage page shows: today by hour, recent days, and twelve months. All are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Unit:
    """A length of time that calls are summed over. The formats are those of strftime.

    A period is its first moment: a datetime for an hour, otherwise a date.
    """

    name: str
    full: str
    short: str
    iso: str

    def named(self, period: date) -> str:
        return period.strftime(self.full)

    def tick(self, period: date) -> str:
        return period.strftime(self.short)

    def exact(self, period: date) -> str:
        """Return the period in ISO 8601, as a file and ``<time>`` have it."""
        return period.strftime(self.iso)


HOUR = Unit("hour", "%H:00", "%H:00", "%Y-%m-%dT%H:00:00Z")
DAY = Unit("day", "%a %-d %b %Y", "%-d %b", "%Y-%m-%d")
MONTH = Unit("month", "%B %Y", "%b %Y", "%Y-%m")


@dataclass(frozen=True, slots=True)
class Span:
    """``number`` periods up to the present one. ``query`` selects it in an address."""

    unit: Unit
    number: int
    label: str
    in_words: str
    query: str

    def first(self, today: date) -> date:
        """Return the first day."""
        if self.unit is HOUR:
            return today
        if self.unit is DAY:
            return today - timedelta(days=self.number - 1)
        months = today.year * 12 + today.month - self.number
        return date(months // 12, months % 12 + 1, 1)


TODAY = Span(HOUR, 24, "Today", "today", "by=hour")
YEAR = Span(MONTH, 12, "Year", "in 12 months", "by=month")
DAYS = tuple(
    Span(DAY, days, f"{days} days", f"in {days} days", f"by=day&days={days}") for days in (7, 30, 90)
)
SPANS = (TODAY, *DAYS, YEAR)
DEFAULT = DAYS[1]


def chosen(query: Mapping[str, str]) -> Span:
    """Return the span of ``?by=`` and ``?days=``, or the default for an invalid value."""
    by, days = query.get("by", DAY.name), query.get("days", "")
    fitting = [span for span in SPANS if span.unit.name == by]
    of_days = [span for span in fitting if span.unit is not DAY or str(span.number) == days]
    return next(iter(of_days), DEFAULT)


def periods(unit: Unit, first: date, last: date) -> list[date]:
    """Return every period from that of ``first`` to that of ``last``; ``first`` begins one."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if unit is DAY:
        return list(days)
    if unit is MONTH:
        return [day for day in days if day.day == 1]
    return [datetime.combine(day, time(hour), UTC) for day in days for hour in range(24)]
