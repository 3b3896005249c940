"""Reader of the usage counters in Redis, which are cumulative for each subject, day and epoch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ratelimit.conf import settings
from ratelimit.store import client
from ratelimit.store.day_keys import FIRST_DAY, number_of

KIND = "usage"
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(slots=True)
class Tally:
    """A part of a counter: how often, and when last."""

    count: int = 0
    last_at: dt.datetime = NEVER


@dataclass(slots=True)
class Counter:
    """Calls and refusals by hour of one subject on one UTC day, counted within one epoch of Redis.

    ``keys`` has the calls with each key, ``refused_addresses`` the refused uses by ``<cause>|<address>``.
    """

    bucket: UUID
    subject: UUID
    day: dt.date
    epoch: str
    hours: dict[int, int] = field(default_factory=dict)
    refused_hours: dict[int, int] = field(default_factory=dict)
    refused: int = 0
    last_used_at: dt.datetime | None = None
    last_used_ip: str | None = None
    refused_uses: int = 0
    last_refused_at: dt.datetime | None = None
    last_refused_ip: str | None = None
    keys: dict[str, Tally] = field(default_factory=dict)
    refused_addresses: dict[str, Tally] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return sum(self.hours.values())

    def by_hour(self) -> Iterator[tuple[dt.datetime, int, int]]:
        """Yield each hour with its calls and refusals."""
        for hour in sorted(self.hours.keys() | self.refused_hours.keys()):
            start = dt.datetime.combine(self.day, dt.time(hour), dt.UTC)
            yield start, self.hours.get(hour, 0), self.refused_hours.get(hour, 0)


Reader = Callable[[UUID, dt.date, dt.date], dict[dt.date, list[Counter]]]


def _moment(value: bytes) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(value) / 1000, dt.UTC)


def _address(value: bytes) -> str | None:
    return value.decode() or None


# The names that the scripts give to their fields, beside the hours.
READERS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "r": ("refused", int),
    "t": ("last_used_at", _moment),
    "a": ("last_used_ip", _address),
    "u": ("refused_uses", int),
    "ut": ("last_refused_at", _moment),
    "ua": ("last_refused_ip", _address),
}
# Fields of a tally, ``<name>|<key>`` or ``<name>|<cause>|<address>``.
TALLY_READERS: dict[str, tuple[str, str, Callable[[bytes], Any]]] = {
    "k": ("keys", "count", int),
    "kt": ("keys", "last_at", _moment),
    "c": ("refused_addresses", "count", int),
    "ct": ("refused_addresses", "last_at", _moment),
}


def key(bucket: UUID, day: dt.date) -> str:
    return f"tsr:{{{bucket.hex}}}:{KIND}:{number_of(day)}"


def live(bucket: UUID, first: dt.date, last: dt.date) -> dict[dt.date, list[Counter]]:
    """Return the counters of these days as ``read`` does; none if Redis is unavailable."""
    try:
        return read(bucket, first, last)
    except client.StoreUnavailable:
        return {}


def read(bucket: UUID, first: dt.date, last: dt.date) -> dict[dt.date, list[Counter]]:
    """Return the counters of these days in one round trip; raises StoreUnavailable.

    Read this before SQL: a day that is missing here is complete there.
    """
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    if not days or not settings.REDIS_URL:
        return {}
    _, answers = client.pipeline(*(("HGETALL", key(bucket, day)) for day in days))
    return {day: parse(bucket, day, answer) for day, answer in zip(days, answers, strict=True) if answer}


def owner(name: bytes) -> tuple[UUID, dt.date]:
    """Return the bucket and the day of a usage hash's key."""
    _, bucket, _, day = name.decode().split(":")
    return UUID(hex=bucket.strip("{}")), FIRST_DAY + dt.timedelta(days=int(day))


def parse(bucket: UUID, day: dt.date, answer: Iterable[bytes]) -> list[Counter]:
    """Return the counters of HGETALL's flat answer, whose fields are ``<epoch>|<subject>|<name>``."""
    found: dict[tuple[str, str], Counter] = {}
    pairs = iter(answer)
    for name, value in zip(pairs, pairs, strict=True):
        epoch, _, rest = name.decode().partition("|")
        subject, _, what = rest.partition("|")
        if not what:
            continue
        counter = found.get((epoch, subject))
        if counter is None:
            counter = found[epoch, subject] = Counter(bucket, UUID(hex=subject), day, epoch)
        _read(counter, what, value)
    return list(found.values())


def _read(counter: Counter, name: str, value: bytes) -> None:
    what, _, detail = name.partition("|")
    if name[0] == "h":
        counter.hours[int(name[1:])] = int(value)
    elif name[0] == "q":
        counter.refused_hours[int(name[1:])] = int(value)
    elif name in READERS:
        attribute, read = READERS[name]
        setattr(counter, attribute, read(value))
    elif detail and what in TALLY_READERS:
        tallies, attribute, read = TALLY_READERS[what]
        setattr(getattr(counter, tallies).setdefault(detail, Tally()), attribute, read(value))
