"""Keys of what Redis has of a bucket's days, ``tsr:{<bucket>}:<kind>:<day>…``, until SQL has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from ratelimit.store import client

FIRST_DAY = dt.date(1970, 1, 1)
# The scripts keep a day for eight days, until housekeeping copies it; one more allows for clocks.
DAYS_KEPT = 9
# A finished day is kept this long after it was copied, for reports that read Redis before SQL.
FINISHED_KEPT_MS = 3_600_000
KEYS_PER_SCAN = 500


def number_of(day: dt.date) -> int:
    """Return the days since 1970."""
    return (day - FIRST_DAY).days


def kept_days(now: dt.datetime) -> tuple[dt.date, dt.date]:
    """Return the first and last day that Redis may have, even if its clock is wrong."""
    today = now.astimezone(dt.UTC).date()
    return today - dt.timedelta(days=DAYS_KEPT), today + dt.timedelta(days=1)


def scan(kind: str) -> Iterator[list[bytes]]:
    """Yield all keys of a kind, in portions; raises StoreUnavailable."""
    for server in client.cluster().all():
        cursor = b"0"
        while True:
            command = ("SCAN", cursor, "MATCH", f"tsr:{{*}}:{kind}:*", "COUNT", KEYS_PER_SCAN)
            _, [(cursor, keys)] = client.pipeline(command, server=server)
            if keys:
                yield keys
            if cursor == b"0":
                break


def expire_soon(keys: Iterable[bytes]) -> None:
    """Shorten the lifetime of finished days, which are copied by now, from a week to an hour."""
    finished = list(keys)
    if not finished:
        return
    _, lifetimes = client.pipeline(*(("PTTL", key) for key in finished))
    long = [key for key, left in zip(finished, lifetimes, strict=True) if left > FINISHED_KEPT_MS]
    if long:
        client.pipeline(*(("PEXPIRE", key, FINISHED_KEPT_MS) for key in long))
