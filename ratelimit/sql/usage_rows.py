"""Upserts of usage rows: incremented without Redis, raised to its cumulative counters with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from ratelimit.sql.reservations import native, spoken
from ratelimit.store.usage_counters import Counter
from ratelimit.types import LimitRequest

ROWS_PER_STATEMENT = 500

INTO_DAILY = """
INSERT INTO ratelimit_dailyusage AS kept
    (bucket, subject, day, epoch, calls, refused, last_used_at, last_used_ip,
        refused_uses, last_refused_at, last_refused_ip)
VALUES {rows}
ON CONFLICT (subject, day, epoch) DO UPDATE SET
"""
INTO_HOURLY = """
INSERT INTO ratelimit_hourlyusage AS kept (bucket, subject, hour, epoch, calls, refused)
VALUES {rows}
ON CONFLICT (subject, hour, epoch) DO UPDATE SET
"""
ADD_DAILY = (
    INTO_DAILY
    + """
    calls = kept.calls + excluded.calls,
    refused = kept.refused + excluded.refused,
    refused_uses = kept.refused_uses + excluded.refused_uses,
    last_used_at = COALESCE(excluded.last_used_at, kept.last_used_at),
    last_used_ip = CASE WHEN excluded.last_used_at IS NULL THEN kept.last_used_ip
        ELSE excluded.last_used_ip END,
    last_refused_at = COALESCE(excluded.last_refused_at, kept.last_refused_at),
    last_refused_ip = CASE WHEN excluded.last_refused_at IS NULL THEN kept.last_refused_ip
        ELSE excluded.last_refused_ip END
"""
)
ADD_HOURLY = INTO_HOURLY + "calls = kept.calls + excluded.calls, refused = kept.refused + excluded.refused"
RAISE_DAILY = (
    INTO_DAILY
    + """
    calls = {greatest}(kept.calls, excluded.calls),
    refused = {greatest}(kept.refused, excluded.refused),
    refused_uses = {greatest}(kept.refused_uses, excluded.refused_uses),
    last_used_at = CASE WHEN kept.last_used_at IS NULL OR excluded.last_used_at > kept.last_used_at
        THEN excluded.last_used_at ELSE kept.last_used_at END,
    last_used_ip = CASE WHEN kept.last_used_at IS NULL OR excluded.last_used_at > kept.last_used_at
        THEN excluded.last_used_ip ELSE kept.last_used_ip END,
    last_refused_at = CASE WHEN kept.last_refused_at IS NULL
        OR excluded.last_refused_at > kept.last_refused_at
        THEN excluded.last_refused_at ELSE kept.last_refused_at END,
    last_refused_ip = CASE WHEN kept.last_refused_at IS NULL
        OR excluded.last_refused_at > kept.last_refused_at
        THEN excluded.last_refused_ip ELSE kept.last_refused_ip END
"""
)
RAISE_HOURLY = (
    INTO_HOURLY
    + "calls = {greatest}(kept.calls, excluded.calls), refused = {greatest}(kept.refused, excluded.refused)"
)


def add_call(limit_request: LimitRequest, moment: dt.datetime, address: str | None) -> None:
    """Count an admitted request, in two queries."""
    one = Counter(limit_request.bucket, limit_request.subject, moment.date(), "", {moment.hour: 1})
    one.last_used_at, one.last_used_ip = moment, address
    write(ADD_DAILY, [_daily(one)])
    write(ADD_HOURLY, _hourly(one))


def add_refusal(limit_request: LimitRequest, moment: dt.datetime) -> None:
    """Count a request over a limit, in two queries."""
    one = Counter(limit_request.bucket, limit_request.subject, moment.date(), "", refused=1)
    one.refused_hours[moment.hour] = 1
    write(ADD_DAILY, [_daily(one)])
    write(ADD_HOURLY, _hourly(one))


def add_refused_use(bucket: UUID, subject: UUID, moment: dt.datetime, address: str | None) -> None:
    one = Counter(bucket, subject, moment.date(), "", refused_uses=1)
    one.last_refused_at, one.last_refused_ip = moment, address
    write(ADD_DAILY, [_daily(one)])


def keep(counters: Iterable[Counter]) -> None:
    """Raise the stored counts to those that were read. It may be repeated, late or in parallel."""
    # Every writer locks the rows in one order, to avoid deadlocks.
    found = sorted(counters, key=lambda one: (one.subject.hex, one.day, one.epoch))
    for start in range(0, len(found), ROWS_PER_STATEMENT):
        write(RAISE_DAILY, [_daily(one) for one in found[start : start + ROWS_PER_STATEMENT]])
    hourly = [row for one in found for row in _hourly(one)]
    for start in range(0, len(hourly), ROWS_PER_STATEMENT):
        write(RAISE_HOURLY, hourly[start : start + ROWS_PER_STATEMENT])


def _daily(one: Counter) -> list[Any]:
    used, refused = map(connection.ops.adapt_datetimefield_value, (one.last_used_at, one.last_refused_at))
    whose = [native(one.bucket), native(one.subject)]
    calls = [one.calls, one.refused, used, one.last_used_ip]
    return [*whose, one.day, one.epoch, *calls, one.refused_uses, refused, one.last_refused_ip]


def _hourly(one: Counter) -> list[list[Any]]:
    whose = [native(one.bucket), native(one.subject)]
    stored = connection.ops.adapt_datetimefield_value
    return [[*whose, stored(hour), one.epoch, *counts] for hour, *counts in one.by_hour()]


def write(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    placeholders = ", ".join([one] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            spoken(statement).replace("{rows}", placeholders), [value for row in rows for value in row]
        )
