"""The same limits and counts without Redis: exact in SQL, on the database's clock."""

from __future__ import annotations

import datetime as dt
import time

from django.db import connection, transaction

from ratelimit.sql import usage_details, usage_rows
from ratelimit.sql.reservations import reserve_one, reserved
from ratelimit.types import DAY_SECONDS, Counts, Decision, FixedWindow, LimitRequest, Verdict, decide

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
    """Charge one request in one transaction: the bucket's day, the subject's, the window, then the usage.

    Every request locks the rows in this order, to avoid deadlocks.
    """
    now = clock() if now is None else now
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    day = int(now // DAY_SECONDS)
    try:
        with transaction.atomic():
            counts = _charge(limit_request, moment.date(), now)
            usage_rows.add_call(limit_request, moment, address)
            if limit_request.key is not None:
                usage_details.add_key_call(limit_request, moment)
    except _Refused as refused:
        usage_rows.add_refusal(limit_request, moment)
        return decide(limit_request, refused.verdict, now, day, _peek(limit_request, moment.date(), now))
    return decide(limit_request, Verdict.ADMITTED, now, day, counts)


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


def _charge(limit_request: LimitRequest, date: dt.date, now: float) -> Counts:
    """Charge every limit; raises _Refused at the first that is used up."""
    used, subject_used, hits, ends = 0, 0, 0, 0.0
    if limit_request.charged:
        # The requests of an unlimited plan are counted too, because it may become limited during the day.
        taken = reserve_one(limit_request.bucket, date, limit_request.requests_per_day)
        used = _admitted(taken, Verdict.DAY_EXHAUSTED)
    if own := limit_request.subject_limit:
        subject, bucket = limit_request.subject, limit_request.bucket
        taken = reserve_one(subject, date, own.requests_per_day, within=bucket)
        subject_used = _admitted(taken, Verdict.SUBJECT_EXHAUSTED)
    if window := limit_request.window:
        admitted, hits, ends = hit_window(window, window.key, now)
        _admitted(hits if admitted else None, Verdict.WINDOW_EXHAUSTED)
    return Counts(used, subject_used, hits, ends)


def _admitted(count: int | None, verdict: Verdict) -> int:
    if count is None:
        raise _Refused(verdict)
    return count


def _peek(limit_request: LimitRequest, date: dt.date, now: float) -> Counts:
    """Return what every limit has counted; charges nothing."""
    window = limit_request.window
    hits, ends = peek_window(window, window.key, now) if window else (0, 0.0)
    return Counts(
        reserved(limit_request.bucket, date) if limit_request.charged else 0,
        reserved(limit_request.subject, date) if limit_request.subject_limit else 0,
        hits,
        ends,
    )
