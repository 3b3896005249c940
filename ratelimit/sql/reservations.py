"""Reservations of a bucket's day in SQL: every admitted request was reserved here, alone or in a block."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

# A block is a fiftieth of the limit. Each costs one write, and an outage loses at most one.
BLOCKS_PER_DAY = 50
UNLIMITED = 2**62

# The next block begins after everything that is reserved. If the caller has not seen the epoch's last block,
# it gets that block and nothing changes.
BLOCK = """
INSERT INTO ratelimit_reservation (bucket, within, day, reserved, epoch, block_start, block_end)
VALUES (%(bucket)s, %(within)s, %(day)s, %(first)s, %(epoch)s, %(used)s, %(first)s)
ON CONFLICT (bucket, day) DO UPDATE SET
    reserved = {least}({greatest}(ratelimit_reservation.reserved, %(used)s) + %(size)s,
        {greatest}(ratelimit_reservation.reserved, %(used)s, %(limit)s)),
    epoch = %(epoch)s,
    block_start = {greatest}(ratelimit_reservation.reserved, %(used)s),
    block_end = {least}({greatest}(ratelimit_reservation.reserved, %(used)s) + %(size)s,
        {greatest}(ratelimit_reservation.reserved, %(used)s, %(limit)s))
WHERE ratelimit_reservation.epoch <> %(epoch)s OR ratelimit_reservation.block_end <= %(known)s
RETURNING block_start, block_end
"""

LAST_BLOCK = """
SELECT block_start, block_end FROM ratelimit_reservation
WHERE bucket = %(bucket)s AND day = %(day)s AND epoch = %(epoch)s
"""

ONE = """
INSERT INTO ratelimit_reservation (bucket, within, day, reserved, epoch, block_start, block_end)
VALUES (%(bucket)s, %(within)s, %(day)s, 1, '', 0, 0)
ON CONFLICT (bucket, day) DO UPDATE SET reserved = ratelimit_reservation.reserved + 1
WHERE ratelimit_reservation.reserved < %(limit)s
RETURNING reserved
"""


@dataclass(frozen=True, slots=True)
class Block:
    """Requests ``start`` (exclusive) to ``end`` (inclusive) of the day, reserved for one epoch of Redis."""

    start: int
    end: int


def reserve_block(
    bucket: UUID,
    day: dt.date,
    limit: int,
    *,
    epoch: str,
    known: int,
    used: int = 0,
    within: UUID | None = None,
) -> Block | None:
    """Reserve the next block for the epoch, or return its last one if Redis has not received it.

    ``known`` is the end of the last block in Redis, -1 for none; ``used`` is the count in Redis. A subject
    with a limit of its own is a bucket ``within`` another one. Takes one query, or two for a repetition. An
    empty block at or after the limit means that nothing is left. None means that another epoch has reserved
    in between.
    """
    size = max(1, limit // BLOCKS_PER_DAY)
    values = {
        "bucket": native(bucket),
        "within": within and native(within),
        "day": day,
        "limit": limit,
        "size": size,
        "first": min(used + size, max(used, limit)),
        "epoch": epoch,
        "known": known,
        "used": used,
    }
    with connection.cursor() as cursor:
        cursor.execute(spoken(BLOCK), values)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(LAST_BLOCK, values)
            row = cursor.fetchone()
    return Block(*row) if row else None


def reserve_one(bucket: UUID, day: dt.date, limit: int | None, *, within: UUID | None = None) -> int | None:
    """Reserve one request of the day; return how many are reserved, or None if none is left."""
    if limit is not None and limit <= 0:
        return None
    with connection.cursor() as cursor:
        values = {
            "bucket": native(bucket),
            "within": within and native(within),
            "day": day,
            "limit": UNLIMITED if limit is None else limit,
        }
        cursor.execute(ONE, values)
        row = cursor.fetchone()
    return row[0] if row else None


def reserved(bucket: UUID, day: dt.date) -> int:
    """Return how many requests of the day are reserved."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reserved FROM ratelimit_reservation WHERE bucket = %s AND day = %s", [native(bucket), day]
        )
        row = cursor.fetchone()
    return row[0] if row else 0


def native(value: UUID) -> UUID | str:
    return value if connection.features.has_native_uuid_field else value.hex


def spoken(sql: str) -> str:
    """Replace ``{greatest}`` and ``{least}`` by the functions of the current database."""
    greatest, least = ("GREATEST", "LEAST") if connection.vendor == "postgresql" else ("MAX", "MIN")
    return sql.replace("{greatest}", greatest).replace("{least}", least)
