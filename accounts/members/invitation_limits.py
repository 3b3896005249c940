"""Rate limits of invitations per recipient and per organization."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from accounts import errors
from accounts.authentication.throttling import account
from accounts.errors import APIError
from ratelimit import limiter
from ratelimit.types import FixedWindow

HOUR, DAY = 3_600, 86_400
PER_ORGANIZATION_AND_DAY = 200


def check(organization_id: UUID | None, email: str) -> None:
    """Count one more; raises APIError(rate_limited)."""
    windows = (
        FixedWindow(
            "invitations",
            f"invitations:{organization_id and organization_id.hex}",
            PER_ORGANIZATION_AND_DAY,
            DAY,
        ),
        FixedWindow("mail", f"mail:invitation:{account(email)}", settings.MAILS_PER_HOUR, HOUR),
    )
    for window in windows:
        admitted, ends_in = limiter.hit_window(window)
        if not admitted:
            raise APIError(errors.RATE_LIMITED, retry_after=ends_in)
