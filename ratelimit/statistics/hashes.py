"""Statistics in Redis: a hash for each subject and UTC day, which all processes add to.

An hour is ``ok denied invalid failed`` and its durations by bucket, a name is its count, first and last
moment, each as one value of text, which takes half of the memory that a field for each number takes.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ratelimit.conf import settings
from ratelimit.statistics.counts import (
    DIMENSIONS,
    MOST_NAMES,
    OUTCOMES,
    Outcomes,
    Statistics,
    names_as_json,
    names_from_json,
)
from ratelimit.statistics.tables import SubjectDay, Tables
from ratelimit.store import client, day_keys

KIND = "statistics"
_add = client.Script("add_statistics.lua")


@dataclass(frozen=True, slots=True)
class Copy:
    """What one epoch of Redis has of a day; a greater ``revision`` has more."""

    whose: SubjectDay
    epoch: str
    revision: int
    statistics: Statistics


def key(whose: SubjectDay) -> str:
    return f"tsr:{{{whose.bucket.hex}}}:{KIND}:{day_keys.number_of(whose.day)}:{whose.subject.hex}"


def owner(name: bytes) -> SubjectDay:
    """Return whose statistics a key has; that of an earlier epoch ends with it."""
    _, bucket, _, day, subject, *_ = name.decode().split(":")
    return SubjectDay(
        UUID(hex=bucket.strip("{}")),
        UUID(hex=subject),
        day_keys.FIRST_DAY + dt.timedelta(days=int(day)),
    )


def add(tables: Tables) -> None:
    """Add the tables in one round trip to each server, and remove from ``tables`` what was added."""
    whose, epoch = list(tables), secrets.token_hex(8)
    try:
        added = _add.each([(key(one), [epoch, MOST_NAMES, *_sums(tables[one])]) for one in whose])
    except client.StoreUnavailable:
        return
    for one, answered in zip(whose, added, strict=True):
        if answered:
            del tables[one]


def live(bucket: UUID, subjects: Iterable[UUID], first: dt.date, last: dt.date) -> list[Copy]:
    """Return what Redis has of these days in one round trip; nothing if it is unavailable.

    Read this before SQL: a day that is missing here is complete there.
    """
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    keys = [key(SubjectDay(bucket, subject, day)).encode() for subject in subjects for day in days]
    if not keys or not settings.REDIS_URL:
        return []
    try:
        return list(read(keys))
    except client.StoreUnavailable:
        return []


def read(keys: list[bytes]) -> Iterator[Copy]:
    """Yield what the keys have, in one round trip; raises StoreUnavailable."""
    _, answers = client.pipeline(*(("HGETALL", name) for name in keys))
    for name, answer in zip(keys, answers, strict=True):
        pairs = iter(answer)
        fields = {field.decode(): value.decode() for field, value in zip(pairs, pairs, strict=True)}
        if fields:
            yield Copy(owner(name), fields["epoch"], int(fields["revision"]), _statistics(fields))


def _sums(statistics: Statistics) -> list[Any]:
    """Return the arguments of add_statistics.lua from the number of hours on."""
    found: list[Any] = [len(statistics.hours)]
    for hour, one in statistics.hours.items():
        counts = [getattr(one, name) for name in OUTCOMES]
        counts += [one.durations.get(bucket, 0) for bucket in range(max(one.durations, default=-1) + 1)]
        found += [hour, " ".join(map(str, counts))]
    for dimension in DIMENSIONS:
        for name, numbers in names_as_json(getattr(statistics, dimension)).items():
            found += [dimension, name, " ".join(map(str, numbers))]
    return found


def _statistics(fields: dict[str, str]) -> Statistics:
    found = Statistics()
    for field, text in fields.items():
        kind, separator, name = field.partition("|")
        if not separator or kind == "names":
            continue
        numbers = [int(one) for one in text.split(" ")]
        if kind == "hours":
            found.hours[int(name)] = _outcomes(numbers)
        else:
            getattr(found, kind).update(names_from_json({name: numbers}))
    return found


def _outcomes(numbers: list[int]) -> Outcomes:
    ok, denied, invalid, failed, *durations = numbers
    counted = {bucket: count for bucket, count in enumerate(durations) if count}
    return Outcomes(ok, denied, invalid, failed, defaultdict(int, counted))
