"""Statistics of one subject on one UTC day: values, and their form in JSON."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("ok", "denied", "invalid", "failed")
# Of one subject, UTC day and dimension. Further names are counted together under "".
MOST_NAMES = 50


@dataclass(slots=True)
class Outcomes:
    """Requests of one hour by class, and their durations as counts by bucket.

    ``ok`` is 1xx to 3xx, ``denied`` is 403, ``invalid`` is any other 4xx, and ``failed`` is 5xx. 429 is in
    none of them, because refusals by a limit are counted exactly.
    """

    ok: int = 0
    denied: int = 0
    invalid: int = 0
    failed: int = 0
    durations: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def client_errors(self) -> int:
        return self.denied + self.invalid

    def count(self, status: int, duration: int) -> None:
        """Count one request by its status and the bucket of its duration."""
        if status < 400:
            self.ok += 1
        elif status >= 500:
            self.failed += 1
        elif status == 403:
            self.denied += 1
        else:
            self.invalid += 1
        self.durations[duration] += 1

    def add(self, other: Outcomes) -> None:
        for name in OUTCOMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for bucket, count in other.durations.items():
            self.durations[bucket] += count


@dataclass(slots=True)
class Seen:
    """How often something was seen, when first and when last."""

    count: int
    first_at: dt.datetime
    last_at: dt.datetime

    def add(self, other: Seen) -> None:
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


# By name.
Names = dict[str, Seen]
DIMENSIONS = ("permissions", "networks", "methods", "refusals")


@dataclass(slots=True)
class Statistics:
    """``hours`` are numbered 0 to 23.

    ``permissions`` are those that requests required, ``networks`` a /24 or /48, ``methods`` a method and a
    route such as ``GET orders-list``. ``refusals`` has why requests were refused: the name of a limit, or
    ``permission``.
    """

    hours: defaultdict[int, Outcomes] = field(default_factory=lambda: defaultdict(Outcomes))
    permissions: Names = field(default_factory=dict)
    networks: Names = field(default_factory=dict)
    methods: Names = field(default_factory=dict)
    refusals: Names = field(default_factory=dict)

    def add(self, other: Statistics) -> None:
        for hour, outcomes in other.hours.items():
            self.hours[hour].add(outcomes)
        for dimension in DIMENSIONS:
            add_names(getattr(self, dimension), getattr(other, dimension))

    @property
    def outcomes(self) -> Outcomes:
        """All hours together."""
        total = Outcomes()
        for outcomes in self.hours.values():
            total.add(outcomes)
        return total


def bounded(names: Names, name: str) -> str:
    """Return the name, or "" if it is new to a day that has MOST_NAMES names."""
    return name if name in names or len(names) - ("" in names) < MOST_NAMES else ""


def add_names(names: Names, others: Mapping[str, Seen]) -> None:
    for name, seen in others.items():
        if name in names:
            names[name].add(seen)
        else:
            names[name] = Seen(seen.count, seen.first_at, seen.last_at)


def hours_as_json(hours: Mapping[int, Outcomes]) -> dict[str, Any]:
    return {
        str(hour): {
            **{name: getattr(one, name) for name in OUTCOMES},
            "durations": {str(bucket): count for bucket, count in sorted(one.durations.items())},
        }
        for hour, one in sorted(hours.items())
    }


def hours_from_json(value: Mapping[str, Any]) -> defaultdict[int, Outcomes]:
    hours: defaultdict[int, Outcomes] = defaultdict(Outcomes)
    for hour, one in value.items():
        durations = defaultdict(int, {int(bucket): count for bucket, count in one["durations"].items()})
        hours[int(hour)] = Outcomes(**{name: one[name] for name in OUTCOMES}, durations=durations)
    return hours


def names_as_json(names: Mapping[str, Seen]) -> dict[str, list[int]]:
    """Return ``{name: [count, first, last]}``, with both moments in epoch milliseconds."""
    return {name: [one.count, _ms(one.first_at), _ms(one.last_at)] for name, one in names.items()}


def names_from_json(value: Mapping[str, list[int]]) -> Names:
    return {name: Seen(count, _moment(first), _moment(last)) for name, (count, first, last) in value.items()}


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
