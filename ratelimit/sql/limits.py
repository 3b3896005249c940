"""The same limits and counts without a store: exact in SQL, on the database's clock."""

from __future__ import annotations

import datetime as dt
import time

from django.db import connection, transaction

from ratelimit.sql import usage_rows
from ratelimit.sql.reservations import reserve_one, reserved
from ratelimit.types import DAY_SECONDS, Charge, Decision, Verdict, WindowLimit, decide

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
    """Takes back what the request was charged before another limit refused it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def clock() -> float:
    """Epoch seconds on the database's clock, which all servers share."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def hit(charge: Charge, address: str | None, *, now: float | None = None) -> Decision:
    """Charge one request in one transaction: the day, then the window, then the usage."""
    now = clock() if now is None else now
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    day = int(now // DAY_SECONDS)
    used, hits, ends = 0, 0, 0.0
    try:
        with transaction.atomic():
            if charge.charged:
                used = _take(charge, moment.date())
            if charge.window:
                hits, ends = _enter(charge.window, charge.window.key, now)
            usage_rows.add_call(charge, moment, address)
    except _Refused as refused:
        usage_rows.add_refusal(charge, moment)
        if charge.charged:
            used = reserved(charge.bucket, moment.date())
        if charge.window:
            hits, ends = peek_window(charge.window, charge.window.key, now)
        return decide(charge, refused.verdict, now, day, used, hits, ends)
    return decide(charge, Verdict.ADMITTED, now, day, used, hits, ends)


def hit_window(window: WindowLimit, key: str, now: float) -> tuple[bool, int, float]:
    """One hit in a window that begins with its first: admitted, hits so far, seconds until its end."""
    with connection.cursor() as cursor:
        over = now - window.seconds
        cursor.execute(WINDOW, {"key": key, "now": now, "over": over, "limit": window.limit})
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


def _take(charge: Charge, date: dt.date) -> int:
    # An unlimited plan's requests are counted in the row as well: it may become a limited one.
    taken = reserve_one(charge.bucket, date, charge.per_day)
    if taken is None:
        raise _Refused(Verdict.DAY_SPENT)
    return taken


def _enter(window: WindowLimit, key: str, now: float) -> tuple[int, float]:
    admitted, hits, ends = hit_window(window, key, now)
    if not admitted:
        raise _Refused(Verdict.WINDOW_SPENT)
    return hits, ends
