"""Upserts beside the daily usage: calls with each key, and refused uses from each address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from ratelimit.models import RefusedUse
from ratelimit.sql.reservations import native
from ratelimit.sql.usage_rows import ROWS_PER_STATEMENT, write
from ratelimit.store.usage_counters import Counter
from ratelimit.types import LimitRequest

# Of one cause and UTC day. Uses from further addresses are summed under the empty one.
ADDRESSES_PER_CAUSE = 50

INTO_KEYS = """
INSERT INTO ratelimit_dailykeyusage AS kept (bucket, subject, key, day, epoch, calls, last_used_at)
VALUES {rows}
ON CONFLICT (subject, key, day, epoch) DO UPDATE SET
    last_used_at = {greatest}(kept.last_used_at, excluded.last_used_at),
"""
ADD_KEY = INTO_KEYS + "calls = kept.calls + excluded.calls"
RAISE_KEYS = INTO_KEYS + "calls = {greatest}(kept.calls, excluded.calls)"

INTO_REFUSED = """
INSERT INTO ratelimit_refuseduse AS kept (bucket, subject, cause, address, day, epoch, count, last_at)
VALUES {rows}
ON CONFLICT (subject, cause, day, epoch, address) DO UPDATE SET
    last_at = {greatest}(kept.last_at, excluded.last_at),
"""
ADD_REFUSED = INTO_REFUSED + "count = kept.count + excluded.count"
RAISE_REFUSED = INTO_REFUSED + "count = {greatest}(kept.count, excluded.count)"


def add_key_call(limit_request: LimitRequest, moment: dt.datetime) -> None:
    """Count an admitted request for its key."""
    whose = [native(limit_request.bucket), native(limit_request.subject), limit_request.key]
    write(ADD_KEY, [[*whose, moment.date(), "", 1, _stored(moment)]])


def add_refused_address(bucket: UUID, subject: UUID, cause: str, address: str, moment: dt.datetime) -> None:
    """Count a refused use for its cause and address, in two queries.

    The caller's transaction holds the lock of the subject's daily row, which makes the most addresses exact.
    """
    day = moment.date()
    of_day = RefusedUse.objects.filter(subject=subject, cause=cause, day=day, epoch="")
    known = set(of_day.exclude(address="").values_list("address", flat=True))
    if address not in known and len(known) >= ADDRESSES_PER_CAUSE:
        address = ""
    write(ADD_REFUSED, [[native(bucket), native(subject), cause, address, day, "", 1, _stored(moment)]])


def keep(counters: Iterable[Counter]) -> None:
    """Raise the stored counts to those that were read. It may be repeated, late or in parallel."""
    # Every writer locks the rows in one order, to avoid deadlocks.
    found = sorted(counters, key=lambda one: (one.subject.hex, one.day, one.epoch))
    _raise(RAISE_KEYS, [row for one in found for row in _key_rows(one)])
    _raise(RAISE_REFUSED, [row for one in found for row in _refused_rows(one)])


def _key_rows(one: Counter) -> Iterable[list[Any]]:
    for key, tally in sorted(one.keys.items()):
        whose = [native(one.bucket), native(one.subject), int(key)]
        yield [*whose, one.day, one.epoch, tally.count, _stored(tally.last_at)]


def _refused_rows(one: Counter) -> Iterable[list[Any]]:
    for detail, tally in sorted(one.refused_addresses.items()):
        cause, _, address = detail.partition("|")
        whose = [native(one.bucket), native(one.subject), cause, address]
        yield [*whose, one.day, one.epoch, tally.count, _stored(tally.last_at)]


def _raise(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        write(statement, rows[start : start + ROWS_PER_STATEMENT])


def _stored(moment: dt.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
