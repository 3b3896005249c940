"""Geometry and text of the small chart of calls by day in a row. Templates render it as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.contrib.humanize.templatetags.humanize import intcomma

# Each day is STEP wide. The busiest day is HEIGHT high, and every day with calls at least LEAST.
STEP, HEIGHT, LEAST = 2, 20, 2.0
UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "k"))


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Calls of consecutive days, oldest first."""

    days: Mapping[date, int]

    @property
    def total(self) -> int:
        return sum(self.days.values())

    @property
    def short(self) -> str:
        """The total in at most four digits: ``940``, ``9,400``, ``94.1k``."""
        return shortened(self.total)

    @property
    def width(self) -> int:
        return STEP * len(self.days)

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def path(self) -> str:
        """One vertical stroke for each day with calls, on whole pixels so that it is sharp."""
        most = max(self.days.values())
        return "".join(
            f"M{number * STEP + 0.5:g} {HEIGHT}v-{max(LEAST, round(HEIGHT * calls / most, 1)):g}"
            for number, calls in enumerate(self.days.values())
            if calls
        )

    @property
    def text(self) -> str:
        """The chart in words."""
        if not self.total:
            return f"No calls in {len(self.days)} days"
        busiest = max(self.days, key=lambda day: (self.days[day], day))
        latest = max(day for day, calls in self.days.items() if calls)
        return (
            f"{_calls(self.total)} in {len(self.days)} days, at most {intcomma(self.days[busiest])} on "
            f"{_day(busiest)}, last on {_day(latest)}"
        )


def shortened(number: int) -> str:
    """Return it with a unit from 10,000 on, rounded down to at most one place."""
    for size, unit in UNITS:
        if number >= max(size, 10_000):
            whole, tenth = divmod(number * 10 // size, 10)
            return f"{whole}.{tenth}{unit}" if tenth and whole < 100 else f"{whole}{unit}"
    return str(intcomma(number))


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{intcomma(count)} calls"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
