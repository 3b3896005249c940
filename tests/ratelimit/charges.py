"""Charges of organizations that nobody else uses, and a fixed day to charge them on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from ratelimit import limiter
from ratelimit.types import Charge, Decision, WindowLimit

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2030, 6, 16, tzinfo=UTC)
ADDRESS = "192.0.2.1"


def new_charge(per_day: int | None = 10, *, burst: int | None = None, charged: bool = True) -> Charge:
    bucket = uuid4()
    window = WindowLimit("burst", f"burst:{bucket.hex}", burst) if burst is not None else None
    return Charge(bucket=bucket, subject=uuid4(), per_day=per_day, window=window, charged=charged)


def another_subject(charge: Charge) -> Charge:
    return replace(charge, subject=uuid4())


def hit(charge: Charge, now: datetime = NOON, address: str | None = ADDRESS) -> Decision:
    return limiter.hit(charge, address, now=now.timestamp())


def admitted(charge: Charge, tries: int, now: datetime = NOON) -> int:
    """How many of so many requests are let through."""
    return sum(hit(charge, now).admitted for _ in range(tries))
