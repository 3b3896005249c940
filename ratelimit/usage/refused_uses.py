"""Counts of uses of a secret that is no longer valid. They are charged to no plan."""

from __future__ import annotations

import datetime as dt
import secrets
from uuid import UUID

from ratelimit.conf import settings
from ratelimit.sql import limits, usage_rows
from ratelimit.store import client

_count = client.Script("refused_use.lua")


def count(bucket: UUID, subject: UUID, address: str | None, *, now: float | None = None) -> None:
    """Count one use in one round trip, or in one row of SQL if Redis is unavailable.

    Callers limit it by client address; ``now`` (epoch seconds) replaces the clock in tests.
    """
    if settings.REDIS_URL:
        clock = "" if now is None else int(now * 1000)
        arguments = [secrets.token_hex(8), subject.hex, address or "", clock]
        try:
            _count([f"tsr:{{{bucket.hex}}}:usage:"], arguments, with_run=True)
        except client.StoreUnavailable:
            pass
        else:
            return
    moment = dt.datetime.fromtimestamp(limits.clock() if now is None else now, dt.UTC)
    usage_rows.add_refused_use(bucket, subject, moment, address)
