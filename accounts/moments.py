"""Moments in words: how long ago, how far ahead, and exactly when in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_STEPS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)
# Up to here days are counted, because "2 months" hides which side of a policy a date lies on.
_IN_DAYS = timedelta(days=100)


def exactly(moment: datetime) -> str:
    """``16 November 2026, 14:03:22 UTC``."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M:%S} UTC"


def day(moment: datetime) -> str:
    """``16 Nov 2026`` in UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y}"


def relative(moment: datetime, now: datetime) -> str:
    """``3 hours ago``, ``in 54 days``, ``just now``."""
    apart = abs(moment - now)
    if apart < timedelta(minutes=1):
        return "just now" if moment <= now else "in less than a minute"
    length, unit = next(step for step in _STEPS if apart >= step[0])
    if unit == "month" and apart < _IN_DAYS:
        length, unit = timedelta(days=1), "day"
    count = apart // length
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"in {words}" if moment > now else f"{words} ago"
