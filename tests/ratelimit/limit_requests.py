"""Charges of organizations that no other test uses, on a fixed day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from ratelimit import limiter
from ratelimit.types import Decision, FixedWindow, LimitRequest

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2030, 6, 16, tzinfo=UTC)
ADDRESS = "192.0.2.1"


def new_limit_request(
    requests_per_day: int | None = 10, *, burst: int | None = None, charged: bool = True
) -> LimitRequest:
    bucket = uuid4()
    window = FixedWindow("burst", f"burst:{bucket.hex}", burst) if burst is not None else None
    return LimitRequest(
        bucket=bucket, subject=uuid4(), requests_per_day=requests_per_day, window=window, charged=charged
    )


def another_subject(limit_request: LimitRequest) -> LimitRequest:
    return replace(limit_request, subject=uuid4())


def hit(limit_request: LimitRequest, now: datetime = NOON, address: str | None = ADDRESS) -> Decision:
    return limiter.hit(limit_request, address, now=now.timestamp())


def admitted(limit_request: LimitRequest, tries: int, now: datetime = NOON) -> int:
    """How many of so many requests are let through."""
    return sum(hit(limit_request, now).admitted for _ in range(tries))
