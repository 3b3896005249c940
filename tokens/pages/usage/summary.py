"""Summary of the usage figures, of a bounded length for any number of tokens and periods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from tokens.usage.report import PEOPLE, Caller, Count, Figures
from tokens.usage.spans import DAY, HOUR, MONTH, Unit

MOST_CALLERS = 10
MOST_PERIODS = 10


@dataclass(slots=True)
class Together:
    """Several callers in one row."""

    number: int = 0
    count: Count = field(default_factory=Count)

    def add(self, other: Count) -> None:
        self.number += 1
        self.count.add(other)


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
class Periods:
    """One hour, day or month, or consecutive ones without requests, whose ``count`` is None."""

    unit: Unit
    first: date
    last: date
    count: Count | None

    @property
    def name(self) -> str:
        return self.unit.named(self.first)

    @property
    def exact(self) -> str:
        return self.unit.exact(self.first)

    @property
    def in_words(self) -> str:
        """The range without calls, as ``No calls from 3 to 9 Nov 2026``."""
        return f"No calls {WORDS[self.unit](self.first, self.last)}"


def _hours_in_words(first: date, last: date) -> str:
    return f"from {first:%H:00} to {int(f'{last:%H}') + 1:02}:00"


def _days_in_words(first: date, last: date) -> str:
    until = f"{last.day} {last:%b %Y}"
    if first == last:
        return f"on {until}"
    same_month = (first.year, first.month) == (last.year, last.month)
    month = "" if same_month else f"{first: %b}" if first.year == last.year else f"{first: %b %Y}"
    return f"from {first.day}{month} to {until}"


def _months_in_words(first: date, last: date) -> str:
    if first == last:
        return f"in {last:%B %Y}"
    return f"from {first:%B}{'' if first.year == last.year else f'{first: %Y}'} to {last:%B %Y}"


WORDS = {HOUR: _hours_in_words, DAY: _days_in_words, MONTH: _months_in_words}


def latest_first(found: Figures) -> list[Periods]:
    """Return the periods, with consecutive ones without requests as one."""
    rows: list[Periods] = []
    for period, count in reversed(found.counts.items()):
        if count.calls or count.refused:
            rows.append(Periods(found.unit, period, period, count))
        elif rows and rows[-1].count is None:
            rows[-1] = Periods(found.unit, period, rows[-1].last, None)
        else:
            rows.append(Periods(found.unit, period, period, None))
    return rows
