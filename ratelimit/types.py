"""Input and output of the limiter: plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

DAY_SECONDS = 86_400


class Verdict(IntEnum):
    """The verdicts that decide.lua returns."""

    ADMITTED = 0
    RESERVE_FIRST = 1
    DAY_EXHAUSTED = 2
    WINDOW_EXHAUSTED = 3
    STALE = 4
    RESERVE_SUBJECT_FIRST = 5
    SUBJECT_EXHAUSTED = 6


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """At most ``limit`` hits in ``seconds`` from the first; ``name`` goes to RateLimit-Policy.

    ``key`` identifies the window among all buckets'.
    """

    name: str
    key: str
    limit: int
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class SubjectLimit:
    """A daily limit of one subject, within its bucket's; ``name`` goes to RateLimit-Policy."""

    name: str
    requests_per_day: int


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """A request to be decided: ``bucket`` has the day's limit, and usage is counted for ``subject``.

    ``charged`` is False if the day's limit does not apply; ``requests_per_day`` None is unlimited. With
    ``key`` the call is also counted for that key, of which a subject may have several.
    """

    bucket: UUID
    subject: UUID
    requests_per_day: int | None
    window: FixedWindow | None = None
    charged: bool = True
    subject_limit: SubjectLimit | None = None
    key: int | None = None


class Fence(NamedTuple):
    """The version of a cached credential: Redis' epoch and the bucket's generation.

    ``remembered`` is False if the credential was read from SQL during this request. ``epoch`` is "" if none
    was known before that reading.
    """

    epoch: str
    generation: int
    remembered: bool


class Quota(NamedTuple):
    """State of one limit: q, w, r and t of draft-ietf-httpapi-ratelimit-headers-10."""

    name: str
    limit: int
    seconds: int
    remaining: int
    resets_in: int


class Decision(NamedTuple):
    """``day_ends`` is in epoch seconds; ``retry_after`` is in seconds, 0 if admitted.

    ``exhausted`` is the name of the limit that refused the request.
    """

    admitted: bool
    quotas: tuple[Quota, ...]
    day_ends: int
    retry_after: int = 0
    # About the fence: Redis' epoch, and whether the credential may be cached under it.
    stale: bool = False
    epoch: str = ""
    keeps: bool = False
    exhausted: str = ""


class Counts(NamedTuple):
    """What each limit has counted so far; ``window_ends_in`` is in seconds."""

    used: int = 0
    subject_used: int = 0
    hits: int = 0
    window_ends_in: float = 0.0


def decide(limit_request: LimitRequest, verdict: Verdict, now: float, day: int, counts: Counts) -> Decision:
    """Build the decision from the counts of either back end."""
    quotas = []
    day_ends = (day + 1) * DAY_SECONDS
    until_midnight = max(1, math.ceil(day_ends - now))

    def of_day(name: str, limit: int, used: int) -> Quota:
        return Quota(name, limit, DAY_SECONDS, max(0, limit - used), until_midnight)

    if limit_request.charged and limit_request.requests_per_day is not None:
        quotas.append(of_day("daily", limit_request.requests_per_day, counts.used))
    if own := limit_request.subject_limit:
        quotas.append(of_day(own.name, own.requests_per_day, counts.subject_used))
    window_ends = max(1, math.ceil(counts.window_ends_in))
    if window := limit_request.window:
        remaining = max(0, window.limit - counts.hits)
        quotas.append(Quota(window.name, window.limit, window.seconds, remaining, window_ends))
    wait, exhausted = 0, ""
    if verdict is Verdict.DAY_EXHAUSTED:
        wait, exhausted = until_midnight, "daily"
    elif verdict is Verdict.SUBJECT_EXHAUSTED and own:
        wait, exhausted = until_midnight, own.name
    elif verdict is Verdict.WINDOW_EXHAUSTED and window:
        wait, exhausted = window_ends, window.name
    return Decision(verdict is Verdict.ADMITTED, tuple(quotas), day_ends, wait, exhausted=exhausted)
