"""Moments in words: how long ago, how far ahead, and exactly when in UTC; and durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_MINUTE = timedelta(minutes=1)
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


def clock(moment: datetime) -> str:
    """``14:03:22 UTC``."""
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"


def day(moment: datetime) -> str:
    """``16 Nov 2026`` in UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y}"


def relative(moment: datetime, now: datetime) -> str:
    """``3 hours ago``, ``in 54 days``, ``just now``.

    The past counts whole units that have gone by. The future is rounded, so that a token of 30 days does
    not read "in 29 days" a second after its creation.
    """
    apart = abs(moment - now)
    if apart < _MINUTE:
        return "just now" if moment <= now else "in less than a minute"
    if moment > now:
        apart = _rounded(apart)
    length, unit = _unit(apart)
    count = apart // length if moment <= now else round(apart / length)
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"in {words}" if moment > now else f"{words} ago"


def duration(seconds: int) -> str:
    """``30 minutes``: in the largest unit of which it is a whole number."""
    units = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
    length, unit = next((one for one in units if seconds and seconds % one[0] == 0), units[-1])
    count = seconds // length
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _rounded(apart: timedelta) -> timedelta:
    """To whole units, of the next larger one where it is reached: 59.8 minutes are an hour."""
    length, _ = _unit(apart)
    return max(_MINUTE, round(apart / length) * length) if length <= timedelta(days=1) else apart


def _unit(apart: timedelta) -> tuple[timedelta, str]:
    length, unit = next(step for step in _STEPS if apart >= step[0])
    if unit == "month" and apart < _IN_DAYS:
        return timedelta(days=1), "day"
    return length, unit
