"""Forecast of when the plan's calls of today are used up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
# Fewer calls, or a shorter time, say nothing about the rest of the day.
ENOUGH_CALLS = 20
ENOUGH_TIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The rate since ``since``, and when it reaches the limit; None if that is not today."""

    per_hour: int
    since: datetime
    used_up_at: datetime | None


def forecast(
    used: int, limit: int | None, hours: Iterable[tuple[datetime, int]], now: datetime
) -> Forecast | None:
    """Extrapolate the charged calls of the last full hour and of the present one; ``hours`` has them.

    Returns None without a limit, with too few calls, and once the limit is reached.
    """
    present = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    midnight = present.replace(hour=0)
    since = max(present - HOUR, midnight)
    calls, elapsed = sum(count for hour, count in hours if hour >= since), now - since
    if limit is None or used >= limit or calls < ENOUGH_CALLS or elapsed < ENOUGH_TIME:
        return None
    used_up_at = now + elapsed * ((limit - used) / calls)
    lasts = used_up_at >= midnight + timedelta(days=1)
    return Forecast(round(calls / (elapsed / HOUR)), since, None if lasts else used_up_at)
