"""When a new token may end: the presets of the page and the date that each of them results in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tokens.models import MAX_DAYS

PRESETS = (7, 30, 60, 90, 180, 365)
CHOSEN = "90"
CUSTOM = "custom"
NEVER = "never"


@dataclass(frozen=True, slots=True)
class Preset:
    """One option of the select box; ``expires_at`` is None for the last one."""

    value: str
    label: str
    expires_at: datetime | None = None


def presets(now: datetime) -> list[Preset]:
    found = [Preset(str(days), f"{days} days", now + timedelta(days=days)) for days in PRESETS]
    return [*found, Preset(CUSTOM, "Custom date"), Preset(NEVER, "No expiry")]


def first_day(now: datetime) -> date:
    return now.astimezone(UTC).date() + timedelta(days=1)


def last_day(now: datetime) -> date:
    return now.astimezone(UTC).date() + timedelta(days=MAX_DAYS)


def days_until(day: date, now: datetime) -> int:
    """Whole days from today to ``day`` in UTC: the token ends on it, at the hour it was made."""
    return (day - now.astimezone(UTC).date()).days
