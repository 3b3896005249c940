"""The same limits and counts without a store: exact in SQL, on the database's clock."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import connection, transaction

from ratelimit.reserve import native, reserve_one
from ratelimit.values import DAY_SECONDS, Charge, Decision, Verdict, WindowLimit, decide

WINDOW = """
INSERT INTO ratelimit_window (key, started_at, hits) VALUES (%(key)s, %(now)s, 1)
ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN ratelimit_window.started_at <= %(over)s THEN 1 ELSE ratelimit_window.hits + 1 END,
    started_at = CASE WHEN ratelimit_window.started_at <= %(over)s THEN %(now)s
        ELSE ratelimit_window.started_at END
WHERE ratelimit_window.started_at <= %(over)s OR ratelimit_window.hits < %(limit)s
RETURNING hits, started_at
"""

USAGE = """
INSERT INTO ratelimit_dailyusage (bucket, subject, day, epoch, calls, refused, last_used_at, last_used_ip)
VALUES (%(bucket)s, %(subject)s, %(day)s, '', %(calls)s, %(refused)s, %(at)s, %(address)s)
ON CONFLICT (subject, day, epoch) DO UPDATE SET
    calls = ratelimit_dailyusage.calls + excluded.calls,
    refused = ratelimit_dailyusage.refused + excluded.refused,
    last_used_at = COALESCE(excluded.last_used_at, ratelimit_dailyusage.last_used_at),
    last_used_ip = COALESCE(excluded.last_used_ip, ratelimit_dailyusage.last_used_ip)
"""


class _Refused(Exception):
    """Takes back what the request was charged before another limit refused it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def clock() -> float:
    """Epoch seconds on the database's clock, which all servers share."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        else:
            cursor.execute("SELECT (julianday('now') - 2440587.5) * 86400.0")
        return float(cursor.fetchone()[0])


def hit(charge: Charge, address: str | None, *, now: float | None = None) -> Decision:
    """Charge one request in one transaction: the day, then the window, then the usage."""
    now = clock() if now is None else now
    day = int(now // DAY_SECONDS)
    date = dt.datetime.fromtimestamp(now, dt.UTC).date()
    used, hits, ends = 0, 0, 0.0
    try:
        with transaction.atomic():
            if charge.is_metered:
                used = _take(charge, date)
            if charge.window:
                hits, ends = _enter(charge.window, window_key(charge.bucket, charge.window), now)
            _count(charge, date, now, address, calls=1)
    except _Refused as refused:
        _count(charge, date, None, None, refused=1)
        if charge.is_metered:
            used = _taken(charge, date)
        if charge.window:
            hits, ends = peek_window(charge.window, window_key(charge.bucket, charge.window), now)
        return decide(charge, refused.verdict, now, day, used, hits, ends)
    return decide(charge, Verdict.ADMITTED, now, day, used, hits, ends)


def hit_window(window: WindowLimit, key: str, now: float) -> tuple[bool, int, float]:
    """One hit in a window that begins with its first: admitted, hits so far, seconds until its end."""
    with connection.cursor() as cursor:
        values = {"key": key, "now": now, "over": now - window.seconds, "limit": window.limit}
        cursor.execute(WINDOW, values)
        row = cursor.fetchone()
    if row is None:
        return (False, *peek_window(window, key, now))
    return True, row[0], row[1] + window.seconds - now


def peek_window(window: WindowLimit, key: str, now: float) -> tuple[int, float]:
    """Hits so far and seconds until the window's end, charging nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hits, started_at FROM ratelimit_window WHERE key = %s", [key])
        row = cursor.fetchone()
    if row is None or row[1] + window.seconds <= now:
        return 0, float(window.seconds)
    return row[0], row[1] + window.seconds - now


def window_key(bucket: UUID, window: WindowLimit) -> str:
    return f"{bucket.hex}:{window.key}"


def _take(charge: Charge, date: dt.date) -> int:
    assert charge.per_day is not None
    taken = reserve_one(charge.bucket, date, charge.per_day)
    if taken is None:
        raise _Refused(Verdict.DAY_SPENT)
    return taken


def _taken(charge: Charge, date: dt.date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reserved FROM ratelimit_reservation WHERE bucket = %s AND day = %s",
            [native(charge.bucket), date],
        )
        row = cursor.fetchone()
    return row[0] if row else 0


def _enter(window: WindowLimit, key: str, now: float) -> tuple[int, float]:
    admitted, hits, ends = hit_window(window, key, now)
    if not admitted:
        raise _Refused(Verdict.WINDOW_SPENT)
    return hits, ends


def _count(
    charge: Charge,
    date: dt.date,
    now: float | None,
    address: str | None,
    *,
    calls: int = 0,
    refused: int = 0,
) -> None:
    at = None if now is None else dt.datetime.fromtimestamp(now, dt.UTC)
    with connection.cursor() as cursor:
        values = {
            "bucket": native(charge.bucket),
            "subject": native(charge.subject),
            "day": date,
            "calls": calls,
            "refused": refused,
            "at": connection.ops.adapt_datetimefield_value(at),
            "address": address,
        }
        cursor.execute(USAGE, values)
