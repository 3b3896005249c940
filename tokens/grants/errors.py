"""Why a grant is not opened or refreshed (RFC 6749 section 5.2)."""

from __future__ import annotations

from tokens.models import Grant


class InvalidGrant(Exception):
    """invalid_grant of RFC 6749 section 5.2. The message is for people and contains no secret."""


class InvalidScope(Exception):
    """The requested scope exceeds what was granted."""


class RefreshedTooOften(Exception):
    """The grant has used up its refreshes of this minute. The refresh token is still unused."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after


class ReuseDetected(InvalidGrant):
    """A used refresh token was presented again; its grant has been revoked."""

    def __init__(self, grant: Grant) -> None:
        super().__init__("The refresh token was used before.")
        self.grant = grant
