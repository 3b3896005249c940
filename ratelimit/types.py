"""What the limiter is given and what it answers: values, without a store behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

DAY_SECONDS = 86_400


class Verdict(IntEnum):
    """The numbers that decide.lua answers."""

    ADMITTED = 0
    RESERVE_FIRST = 1
    DAY_EXHAUSTED = 2
    WINDOW_EXHAUSTED = 3
    STALE = 4


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """At most ``limit`` hits in ``seconds`` from the first; ``name`` goes to RateLimit-Policy.

    ``key`` identifies the window among all: it names whom the limit holds, whichever bucket is charged.
    """

    name: str
    key: str
    limit: int
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """Whose day is charged (``bucket``), who is counted (``subject``), and under which limits.

    ``charged`` is False for callers whom the plan does not hold; ``daily_limit`` None is unlimited.
    """

    bucket: UUID
    subject: UUID
    daily_limit: int | None
    window: FixedWindow | None = None
    charged: bool = True


class Fence(NamedTuple):
    """What a credential was known under: the store's epoch and the bucket's generation.

    ``remembered`` is False for one that has been read from SQL since the request came in. ``epoch`` is
    "" where none was known before that reading.
    """

    epoch: str
    generation: int
    remembered: bool


class Quota(NamedTuple):
    """Where one limit stands: q, w, r and t of draft-ietf-httpapi-ratelimit-headers-10."""

    name: str
    limit: int
    seconds: int
    remaining: int
    resets_in: int


class Decision(NamedTuple):
    """``day_ends`` is the epoch second of the charged day's end; ``retry_after`` 0 where admitted."""

    admitted: bool
    quotas: tuple[Quota, ...]
    day_ends: int
    retry_after: int = 0
    # What the store says of the fence: its epoch, and whether what was read under it may be remembered.
    stale: bool = False
    epoch: str = ""
    keeps: bool = False


def decide(
    limit_request: LimitRequest,
    verdict: Verdict,
    now: float,
    day: int,
    used: int,
    hits: int,
    window_ends_in: float,
) -> Decision:
    """Put the counts of either backend into one answer; ``window_ends_in`` is in seconds."""
    quotas = []
    day_ends = (day + 1) * DAY_SECONDS
    until_midnight = max(1, math.ceil(day_ends - now))
    if limit_request.charged and limit_request.daily_limit is not None:
        remaining = max(0, limit_request.daily_limit - used)
        quotas.append(Quota("daily", limit_request.daily_limit, DAY_SECONDS, remaining, until_midnight))
    window_ends = max(1, math.ceil(window_ends_in))
    if window := limit_request.window:
        remaining = max(0, window.limit - hits)
        quotas.append(Quota(window.name, window.limit, window.seconds, remaining, window_ends))
    wait = 0
    if verdict is Verdict.DAY_EXHAUSTED:
        wait = until_midnight
    elif verdict is Verdict.WINDOW_EXHAUSTED:
        wait = window_ends
    return Decision(verdict is Verdict.ADMITTED, tuple(quotas), day_ends, wait)
