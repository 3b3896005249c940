"""Limits on failed attempts. One is reserved in each window before it is made, and refunded if it succeeds.

So at most the limit can fail, even in parallel, and successes use nothing up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from ratelimit.conf import settings
from ratelimit.models import Window
from ratelimit.sql import limits
from ratelimit.store import client
from ratelimit.types import FixedWindow

# One hash tag, because a cluster runs a script on the keys of one slot only.
TAG = "tsr:{tries}:"

REFUND = """
UPDATE ratelimit_window SET hits = hits - 1 WHERE key = %s AND hits > 0 AND started_at <= %s
"""
# The rounding error of a window's start, in seconds, after an addition and a subtraction.
ROUNDING = 0.5

_reserve = client.Script("reserve_attempts.lua")
_refund = client.Script("refund_attempts.lua")


class TooManyAttempts(Exception):
    """``window`` is used up for ``retry_after`` more whole seconds."""

    def __init__(self, window: FixedWindow, ends_in: float) -> None:
        self.window = window
        self.retry_after = max(1, math.ceil(ends_in))
        super().__init__(f"again in {self.retry_after} s")


@dataclass(frozen=True, slots=True)
class Reservation:
    """One attempt in each window: ``ends`` are the ms each had left in Redis, ``starts`` its start in SQL."""

    windows: tuple[FixedWindow, ...]
    ends: tuple[int, ...] = ()
    starts: tuple[float, ...] = ()


def reserve(
    windows: Sequence[FixedWindow], *, durable: bool = False, now: float | None = None
) -> Reservation:
    """Reserve one attempt in each window, or in none; raises TooManyAttempts. ``now`` is for tests.

    Durable attempts are counted in SQL alone, so that an empty or unavailable Redis allows no more of them.
    Callers pass their windows in one order, to avoid deadlocks.
    """
    if not windows:
        return Reservation(())
    if settings.REDIS_URL and not durable:
        try:
            return _reserve_in_store(tuple(windows))
        except client.StoreUnavailable:
            pass
    return _reserve_in_sql(tuple(windows), limits.clock() if now is None else now)


def check(windows: Sequence[FixedWindow], *, now: float | None = None) -> None:
    """Raise TooManyAttempts if a window is used up; reserves nothing.

    For callers that count failures afterwards. Parallel attempts may exceed the limit together.
    """
    if not windows:
        return
    if settings.REDIS_URL:
        try:
            _check_in_store(windows)
        except client.StoreUnavailable:
            pass
        else:
            return
    now = limits.clock() if now is None else now
    for window in windows:
        hits, ends_in = limits.peek_window(window, window.key, now)
        if hits >= window.limit:
            raise TooManyAttempts(window, ends_in)


def refund(reservation: Reservation) -> None:
    """Undo a reservation. An unavailable Redis is ignored: its windows end by themselves."""
    if reservation.ends:
        with suppress(client.StoreUnavailable):
            _refund(_keys(reservation.windows), list(reservation.ends))
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for window, started_at in zip(reservation.windows, reservation.starts, strict=True):
            cursor.execute(REFUND, [window.key, started_at + ROUNDING])


@transaction.atomic
def clear(key: str) -> None:
    """Delete the durable windows of this key, and of keys that continue it after a colon."""
    found = Window.objects.filter(Q(key=key) | Q(key__startswith=f"{key}:"))
    # `reserve` locks the shorter key first, so this must too.
    pks = list(found.order_by("key").select_for_update().values_list("pk", flat=True))
    Window.objects.filter(pk__in=pks).delete()


def _reserve_in_store(windows: tuple[FixedWindow, ...]) -> Reservation:
    arguments: list[Any] = [part for one in windows for part in (one.limit, one.seconds * 1000)]
    admitted, *ends = _reserve(_keys(windows), arguments)
    if not admitted:
        left, place = ends
        raise TooManyAttempts(windows[place - 1], left / 1000)
    return Reservation(windows, ends=tuple(ends))


def _check_in_store(windows: Sequence[FixedWindow]) -> None:
    keys = _keys(tuple(windows))
    _, answers = client.pipeline(*(command for key in keys for command in (("GET", key), ("PTTL", key))))
    for window, hits, ends in zip(windows, answers[::2], answers[1::2], strict=True):
        if int(hits or 0) >= window.limit:
            raise TooManyAttempts(window, ends / 1000)


@transaction.atomic
def _reserve_in_sql(windows: tuple[FixedWindow, ...], now: float) -> Reservation:
    starts = []
    for window in windows:
        admitted, _, ends_in = limits.hit_window(window, window.key, now)
        if not admitted:
            raise TooManyAttempts(window, ends_in)
        starts.append(now + ends_in - window.seconds)
    return Reservation(windows, starts=tuple(starts))


def _keys(windows: tuple[FixedWindow, ...]) -> list[str]:
    return [TAG + window.key for window in windows]
