"""What a rotation asks for, and how often: checked before a secret is created."""

from __future__ import annotations

from enum import Enum

from accounts import errors
from accounts.errors import APIError
from accounts.models import Organization
from ratelimit import attempts
from ratelimit.types import FixedWindow
from tokens.models import MAX_OVERLAP_SECONDS, ServiceAccountToken
from tokens.service_accounts import expiry

# Each rotation stores a secret that is kept.
ROTATIONS_PER_HOUR = 10
HOUR = 3600


class Unchanged(Enum):
    """The type of UNCHANGED: None as an expiry means that the token never expires."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


def count(token: ServiceAccountToken) -> None:
    """Count a rotation that is about to be made. Raises APIError(rate_limited) with ``retry_after``."""
    window = FixedWindow("rotations", f"rotations:{token.pk.hex}", ROTATIONS_PER_HOUR, HOUR)
    try:
        attempts.reserve([window])
    except attempts.TooManyAttempts as error:
        raise APIError(errors.RATE_LIMITED, retry_after=error.retry_after) from None


def fields(
    organization: Organization, overlap: int, closing: int | None, days: int | Unchanged | None
) -> None:
    """Raise APIError(invalid_request) with all errors by field."""
    checked = {
        "overlapSeconds": _range_problems(overlap),
        "closeAfterFirstUseSeconds": _range_problems(closing or 0),
        "expiresInDays": [] if isinstance(days, Unchanged) else expiry.problems(organization, days),
    }
    if problems := {field: sentences for field, sentences in checked.items() if sentences}:
        raise APIError(errors.INVALID_REQUEST, fields=problems)


def _range_problems(seconds: int) -> list[str]:
    inside = 0 <= seconds <= MAX_OVERLAP_SECONDS
    return [] if inside else [f"An overlap is 0 to {MAX_OVERLAP_SECONDS} seconds."]
