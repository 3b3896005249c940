"""Summary of the usage figures, of a bounded length for any number of tokens and days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from tokens.service_accounts.usage_report import PEOPLE, Caller, Count, Figures

MOST_CALLERS = 10
MOST_DAYS = 10


@dataclass(slots=True)
class Together:
    """Several callers in one row."""

    number: int = 0
    count: Count = field(default_factory=Count)

    def add(self, other: Count) -> None:
        self.number += 1
        self.count.calls += other.calls
        self.count.refused += other.refused


@dataclass(frozen=True, slots=True)
class Callers:
    """The busiest callers by name, the sum of the ``others``, and the sum of those that have ``ended``."""

    named: list[tuple[Caller, Count]]
    others: Together
    ended: Together

    @property
    def has_more(self) -> bool:
        return bool(self.others.number or self.ended.number)


def callers(found: Figures) -> Callers:
    """Group the callers. A single ended caller keeps its name, and people have a row of their own."""
    ended = [count for caller, count in found.callers if caller.has_ended]
    grouped = len(ended) > 1
    rows = [row for row in found.callers if not (grouped and row[0].has_ended)]
    people = [row for row in rows[MOST_CALLERS:] if row[0] == PEOPLE]
    others = [count for caller, count in rows[MOST_CALLERS:] if caller != PEOPLE]
    return Callers(rows[:MOST_CALLERS] + people, _together(others), _together(ended if grouped else ()))


def _together(counts: Iterable[Count]) -> Together:
    together = Together()
    for count in counts:
        together.add(count)
    return together


@dataclass(frozen=True, slots=True)
class Days:
    """One day, or consecutive days without requests, whose ``count`` is None."""

    first: date
    last: date
    count: Count | None

    @property
    def in_words(self) -> str:
        """The range without calls, as ``No calls from 3 to 9 Nov 2026``."""
        last = f"{self.last.day} {self.last:%b %Y}"
        if self.first == self.last:
            return f"No calls on {last}"
        first, same_month = (
            self.first,
            (self.first.year, self.first.month) == (self.last.year, self.last.month),
        )
        month = "" if same_month else f"{first: %b}" if first.year == self.last.year else f"{first: %b %Y}"
        return f"No calls from {first.day}{month} to {last}"


def days(found: Figures) -> list[Days]:
    """Return the days, latest first, with consecutive days without requests as one."""
    rows: list[Days] = []
    for day, count in reversed(found.days.items()):
        if count.calls or count.refused:
            rows.append(Days(day, day, count))
        elif rows and rows[-1].count is None and rows[-1].first - day == timedelta(days=1):
            rows[-1] = Days(day, rows[-1].last, None)
        else:
            rows.append(Days(day, day, None))
    return rows
