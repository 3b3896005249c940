"""One decision per request: by a Redis script within blocks reserved in SQL, or by SQL alone."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from functools import partial
from typing import Any, NamedTuple

from ratelimit import metrics
from ratelimit.conf import settings
from ratelimit.sql import limits
from ratelimit.sql.reservations import BLOCKS_PER_DAY, reserve_block
from ratelimit.store import client
from ratelimit.types import Counts, Decision, Fence, FixedWindow, LimitRequest, Verdict, decide

UNLIMITED, NOT_CHARGED = -1, -2
NO_BLOCK = ("", "", "", "", "")
NO_FENCE = ("", "", "")
STALE = Decision(False, (), 0, stale=True)
WINDOWS = "tsr:w:"
FIRST_DAY = dt.date(1970, 1, 1)


def hit(
    limit_request: LimitRequest, address: str | None, *, fence: Fence | None = None, now: float | None = None
) -> Decision:
    """Charge one request; ``now`` (epoch seconds) replaces the deciding clock in tests.

    A stale decision charges nothing: read the credential from SQL, and call this again.
    """
    if settings.REDIS_URL:
        try:
            return _count("store", _hit_store(limit_request, address, fence, now))
        except client.StoreUnavailable:
            if fence and fence.remembered:
                return STALE
    return _count("sql", limits.hit(limit_request, address, now=now))


def _count(by: str, decision: Decision) -> Decision:
    outcome = "stale" if decision.stale else "admitted" if decision.admitted else "refused"
    metrics.DECISIONS(by, outcome).inc()
    return decision


def hit_window(window: FixedWindow, *, now: float | None = None) -> tuple[bool, int]:
    """Count one hit; return whether it is admitted, and whole seconds until the window ends."""
    if settings.REDIS_URL:
        try:
            admitted, _, ends = client.window([WINDOWS + window.key], [window.limit, window.seconds * 1000])
            return bool(admitted), max(1, math.ceil(ends / 1000))
        except client.StoreUnavailable:
            pass
    admitted, _, ends_in = limits.hit_window(window, window.key, limits.clock() if now is None else now)
    return admitted, max(1, math.ceil(ends_in))


class _Answer(NamedTuple):
    """What decide.lua returns, in its order."""

    verdict: int
    epoch: bytes
    day: int
    now_ms: int
    used: int
    reserved: int
    hits: int
    window_ends_in_ms: int
    keeps: int
    subject_used: int
    subject_reserved: int


def _hit_store(
    limit_request: LimitRequest, address: str | None, fence: Fence | None, now: float | None
) -> Decision:
    block: tuple[Any, ...] = NO_BLOCK
    # The day of one limit has fewer blocks than this, and each round has seen a newer one.
    for _ in range(2 * BLOCKS_PER_DAY):
        found = _Answer(*_run(limit_request, address, now, block, fence))
        if found.verdict == Verdict.STALE:
            return Decision(False, (), 0, stale=True, epoch=found.epoch.decode())
        if found.verdict not in (Verdict.RESERVE_FIRST, Verdict.RESERVE_SUBJECT_FIRST):
            counts = Counts(found.used, found.subject_used, found.hits, found.window_ends_in_ms / 1000)
            decision = decide(limit_request, Verdict(found.verdict), found.now_ms / 1000, found.day, counts)
            if fence is None:
                return decision
            return decision._replace(epoch=found.epoch.decode(), keeps=bool(found.keeps))
        block = _reserve(limit_request, found)
    raise client.StoreUnavailable("Redis asks again and again for a block that SQL has reserved.")


def _reserve(limit_request: LimitRequest, found: _Answer) -> tuple[Any, ...]:
    """Reserve the block that decide.lua asks for, and return it as arguments of the script."""
    epoch, date = found.epoch.decode(), FIRST_DAY + dt.timedelta(days=found.day)
    reserve = partial(reserve_block, day=date, epoch=epoch)
    own = limit_request.subject_limit
    if found.verdict == Verdict.RESERVE_SUBJECT_FIRST and own:
        whose = "subject"
        block = reserve(
            limit_request.subject,
            limit=own.requests_per_day,
            known=found.subject_reserved,
            used=found.subject_used,
            within=limit_request.bucket,
        )
    else:
        whose, limit = "bucket", limit_request.requests_per_day or 0
        block = reserve(limit_request.bucket, limit=limit, known=found.reserved, used=found.used)
    # With an empty block Redis knows that nothing is left, and refuses without SQL from now on.
    return (whose, epoch, found.day, block.start, block.end) if block else NO_BLOCK


def _run(
    limit_request: LimitRequest,
    address: str | None,
    now: float | None,
    block: tuple[Any, ...],
    fence: Fence | None,
) -> list[Any]:
    tag = f"tsr:{{{limit_request.bucket.hex}}}:"
    requests_per_day = (
        NOT_CHARGED
        if not limit_request.charged
        else UNLIMITED
        if limit_request.requests_per_day is None
        else limit_request.requests_per_day
    )
    window = limit_request.window
    # In a cluster all keys of a script must have one slot, so a window is counted within its bucket there.
    windows = tag if client.cluster().clustered else WINDOWS
    return client.meter(
        [tag + "meter", tag + "usage:", windows + (window.key if window else "none")],
        [
            secrets.token_hex(8),
            requests_per_day,
            window.limit if window else 0,
            window.seconds * 1000 if window else 0,
            limit_request.subject.hex,
            address or "",
            "" if now is None else int(now * 1000),
            *block,
            *(_fence_arguments(fence) if fence else NO_FENCE),
            NOT_CHARGED
            if limit_request.subject_limit is None
            else limit_request.subject_limit.requests_per_day,
            "" if limit_request.key is None else limit_request.key,
        ],
        with_run=True,
    )


def _fence_arguments(fence: Fence) -> tuple[Any, ...]:
    return ("remembered" if fence.remembered else "read", fence.epoch, fence.generation)
