"""Expiry of a new token: the presets of the page, with their dates, under the organization's policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from accounts.models import Organization
from tokens.models import MAX_DAYS

PRESETS = (7, 30, 60, 90, 180, 365)
CHOSEN = 90
CUSTOM = "custom"
NEVER = "never"


@dataclass(frozen=True, slots=True)
class Preset:
    """One option of the select box. ``expires_at`` is None for a custom date and for no expiry."""

    value: str
    label: str
    expires_at: datetime | None = None
    is_longest: bool = False


def longest(organization: Organization) -> int:
    """Return the longest lifetime in days of a new token of the organization."""
    return min(MAX_DAYS, organization.longest_token_days or MAX_DAYS)


def problems(organization: Organization, days: int | None) -> list[str]:
    """Return why a token may not expire after so many days, or never if None."""
    if days is None:
        allowed = organization.endless_tokens_allowed
        return [] if allowed else ["This organization's policy requires an expiry for every token."]
    longest = organization.longest_token_days
    if 1 <= days <= min(MAX_DAYS, longest or MAX_DAYS):
        return []
    subject = "By this organization's policy, a" if longest else "A"
    return [f"{subject} token may be valid for 1 to {longest or MAX_DAYS} days."]


def choices(organization: Organization) -> list[str]:
    """Return the values of the select box under the organization's policy."""
    most = longest(organization)
    days = sorted({*(preset for preset in PRESETS if preset < most), most})
    never = [NEVER] if organization.endless_tokens_allowed else []
    return [*map(str, days), CUSTOM, *never]


def chosen(organization: Organization) -> str:
    """Return the initially selected value."""
    return str(min(CHOSEN, longest(organization)))


def presets(organization: Organization, now: datetime) -> list[Preset]:
    words = {CUSTOM: "Custom date", NEVER: "No expiry"}
    return [
        Preset(value, words[value]) if value in words else _preset(int(value), now)
        for value in choices(organization)
    ]


def first_day(now: datetime) -> date:
    return now.astimezone(UTC).date() + timedelta(days=1)


def last_day(organization: Organization, now: datetime) -> date:
    return now.astimezone(UTC).date() + timedelta(days=longest(organization))


def days_until(day: date, now: datetime) -> int:
    """Return the days from today to ``day`` in UTC. The token expires at its time of creation."""
    return (day - now.astimezone(UTC).date()).days


def _preset(days: int, now: datetime) -> Preset:
    words = f"{days} day" if days == 1 else f"{days} days"
    return Preset(str(days), words, now + timedelta(days=days), days not in PRESETS)
