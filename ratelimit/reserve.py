"""The day's row in SQL, which owns the day: no request is admitted outside what is reserved here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

# A fiftieth of the limit a block: one write per block, and at most one block lost to an outage.
BLOCKS_PER_DAY = 50

BLOCK = """
INSERT INTO ratelimit_reservation (bucket, day, start, reserved, epoch)
VALUES (%(bucket)s, %(day)s, 0, %(first)s, %(epoch)s)
ON CONFLICT (bucket, day) DO UPDATE SET
    start = CASE WHEN ratelimit_reservation.epoch = %(epoch)s AND ratelimit_reservation.reserved > %(known)s
        THEN ratelimit_reservation.start ELSE ratelimit_reservation.reserved END,
    reserved = CASE WHEN ratelimit_reservation.epoch = %(epoch)s AND ratelimit_reservation.reserved > %(known)s
        THEN ratelimit_reservation.reserved
        WHEN ratelimit_reservation.reserved >= %(limit)s THEN ratelimit_reservation.reserved
        WHEN ratelimit_reservation.reserved + %(size)s > %(limit)s THEN %(limit)s
        ELSE ratelimit_reservation.reserved + %(size)s END,
    epoch = %(epoch)s
RETURNING start, reserved
"""

ONE = """
INSERT INTO ratelimit_reservation (bucket, day, start, reserved, epoch)
VALUES (%(bucket)s, %(day)s, 0, 1, '')
ON CONFLICT (bucket, day) DO UPDATE SET
    start = ratelimit_reservation.reserved, reserved = ratelimit_reservation.reserved + 1, epoch = ''
WHERE ratelimit_reservation.reserved < %(limit)s
RETURNING reserved
"""


@dataclass(frozen=True, slots=True)
class Block:
    """Requests ``start`` (exclusive) to ``end`` (inclusive) of the day, given to one store epoch."""

    start: int
    end: int


def reserve_block(bucket: UUID, day: dt.date, limit: int, *, epoch: str, known: int) -> Block:
    """Reserve the next block for the epoch, or repeat the one that it does not know yet.

    ``known`` is how far the asker's store is filled, -1 for not at all. One statement. An empty
    block at the end of the day's limit says that nothing is left.
    """
    size = max(1, limit // BLOCKS_PER_DAY)
    values = {
        "bucket": native(bucket),
        "day": day,
        "limit": limit,
        "size": size,
        "first": min(size, limit),
        "epoch": epoch,
        "known": known,
    }
    with connection.cursor() as cursor:
        cursor.execute(BLOCK, values)
        start, end = cursor.fetchone()
    return Block(start, end)


def reserve_one(bucket: UUID, day: dt.date, limit: int) -> int | None:
    """Take one request of the day here in SQL; return how many are taken, or None if none is left."""
    if limit <= 0:
        return None
    with connection.cursor() as cursor:
        cursor.execute(ONE, {"bucket": native(bucket), "day": day, "limit": limit})
        row = cursor.fetchone()
    return row[0] if row else None


def native(value: UUID) -> UUID | str:
    return value if connection.features.hasnative_uuid_field else value.hex
