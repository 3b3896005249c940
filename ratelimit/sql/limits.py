"""The same limits and counts without Redis: exact in SQL, on the database's clock."""

from __future__ import annotations

import datetime as dt
import time

from django.db import connection, transaction

from ratelimit.sql import usage_details, usage_rows
from ratelimit.sql.reservations import reserve_one, reserved
from ratelimit.types import DAY_SECONDS, Decision, FixedWindow, LimitRequest, Verdict, decide

WINDOW = """
INSERT INTO ratelimit_window (key, started_at, hits) VALUES (%(key)s, %(now)s, 1)
ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN ratelimit_window.started_at <= %(over)s THEN 1 ELSE ratelimit_window.hits + 1 END,
    started_at = CASE WHEN ratelimit_window.started_at <= %(over)s THEN %(now)s
        ELSE ratelimit_window.started_at END
WHERE ratelimit_window.started_at <= %(over)s OR ratelimit_window.hits < %(limit)s
RETURNING hits, started_at
"""


class _Refused(Exception):
    """Rolls back the charges of a request that a later limit refused."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def clock() -> float:
    """Return epoch seconds on the database's clock, which all servers share."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def hit(limit_request: LimitRequest, address: str | None, *, now: float | None = None) -> Decision:
    """Charge one request in one transaction: the day, then the window, then the usage."""
    now = clock() if now is None else now
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    day = int(now // DAY_SECONDS)
    used, hits, ends = 0, 0, 0.0
    try:
        with transaction.atomic():
            if limit_request.charged:
                used = _reserve(limit_request, moment.date())
            if limit_request.window:
                hits, ends = _enter(limit_request.window, limit_request.window.key, now)
            usage_rows.add_call(limit_request, moment, address)
            if limit_request.key is not None:
                usage_details.add_key_call(limit_request, moment)
    except _Refused as refused:
        usage_rows.add_refusal(limit_request, moment)
        if limit_request.charged:
            used = reserved(limit_request.bucket, moment.date())
        if limit_request.window:
            hits, ends = peek_window(limit_request.window, limit_request.window.key, now)
        return decide(limit_request, refused.verdict, now, day, used, hits, ends)
    return decide(limit_request, Verdict.ADMITTED, now, day, used, hits, ends)


def hit_window(window: FixedWindow, key: str, now: float) -> tuple[bool, int, float]:
    """Count one hit in a window that begins with its first hit.

    Return whether it is admitted, the hits so far, and the seconds until the window ends.
    """
    with connection.cursor() as cursor:
        over = now - window.seconds
        cursor.execute(WINDOW, {"key": key, "now": now, "over": over, "limit": window.limit})
        row = cursor.fetchone()
    if row is None:
        return (False, *peek_window(window, key, now))
    return True, row[0], row[1] + window.seconds - now


def peek_window(window: FixedWindow, key: str, now: float) -> tuple[int, float]:
    """Return the hits so far and the seconds until the window ends; counts nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hits, started_at FROM ratelimit_window WHERE key = %s", [key])
        row = cursor.fetchone()
    if row is None or row[1] + window.seconds <= now:
        return 0, float(window.seconds)
    return row[0], row[1] + window.seconds - now


def _reserve(limit_request: LimitRequest, date: dt.date) -> int:
    # The requests of an unlimited plan are counted too, because it may become limited during the day.
    taken = reserve_one(limit_request.bucket, date, limit_request.requests_per_day)
    if taken is None:
        raise _Refused(Verdict.DAY_EXHAUSTED)
    return taken


def _enter(window: FixedWindow, key: str, now: float) -> tuple[int, float]:
    admitted, hits, ends = hit_window(window, key, now)
    if not admitted:
        raise _Refused(Verdict.WINDOW_EXHAUSTED)
    return hits, ends
