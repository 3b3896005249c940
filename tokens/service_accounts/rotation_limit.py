"""Limit on the rotations of one token, because each stores a secret that is kept."""

from __future__ import annotations

from accounts import errors
from accounts.errors import APIError
from ratelimit import attempts
from ratelimit.types import FixedWindow
from tokens.models import ServiceAccountToken

ROTATIONS_PER_HOUR = 10
SECONDS = 3600


def count(token: ServiceAccountToken) -> None:
    """Count a rotation that is about to be made. Raises APIError(rate_limited) with ``retry_after``."""
    window = FixedWindow("rotations", f"rotations:{token.pk.hex}", ROTATIONS_PER_HOUR, SECONDS)
    try:
        attempts.reserve([window])
    except attempts.TooManyAttempts as error:
        raise APIError(errors.RATE_LIMITED, retry_after=error.retry_after) from None
