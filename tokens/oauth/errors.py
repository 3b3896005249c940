"""Errors of the OAuth endpoints (RFC 6749 section 5.2)."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse

from accounts.errors import REALM, UNAVAILABLE, UNAVAILABLE_RETRY_AFTER, APIError

PATHS = frozenset(("/v1/auth/token", "/v1/auth/revoke", "/v1/auth/introspect"))
# RFC 6749 section 5.1; Pragma is for HTTP/1.0 caches.
HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE = f'Basic realm="{REALM}", charset="UTF-8"'


class OAuthError(Exception):
    """``description`` is printable ASCII without quotes and backslash, as RFC 6749 requires."""

    def __init__(
        self, code: str, description: str, *, status: int = 400, retry_after: int | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"error": self.code, "error_description": self.description}
        if self.status == 429:
            found["retry_after"] = self.retry_after
        return found

    @property
    def headers(self) -> dict[str, str]:
        found = dict(HEADERS)
        if self.status == 401:
            # RFC 9110 section 15.5.2 requires a challenge with every 401.
            found["WWW-Authenticate"] = CHALLENGE
        if self.retry_after is not None:
            found["Retry-After"] = str(self.retry_after)
        return found


class AddressNotAllowed(OAuthError):
    """The error of a client with a valid secret at an address that its organization does not allow."""

    def __init__(self, sentence: str) -> None:
        super().__init__("unauthorized_client", f"Address not allowed. {sentence}")


def invalid_request(description: str, status: int = 400) -> OAuthError:
    return OAuthError("invalid_request", description, status=status)


def invalid_client() -> OAuthError:
    """The same error for an unknown client, for a wrong or expired secret, and for a missing one."""
    return OAuthError("invalid_client", "The client could not be authenticated.", status=401)


def invalid_grant(description: str) -> OAuthError:
    return OAuthError("invalid_grant", description)


def invalid_scope(description: str) -> OAuthError:
    return OAuthError("invalid_scope", description)


def unauthorized_client() -> OAuthError:
    return OAuthError("unauthorized_client", "The token was not issued to this client.")


def unsupported_token_type() -> OAuthError:
    return OAuthError("unsupported_token_type", "Only access and refresh tokens are revoked here.")


def too_many_failures(retry_after: int) -> OAuthError:
    description = "Too many requests failed. Try again later."
    return OAuthError("temporarily_unavailable", description, status=429, retry_after=retry_after)


def too_many_requests(retry_after: int) -> OAuthError:
    description = "Too many requests of this client. Try again later."
    return OAuthError("temporarily_unavailable", description, status=429, retry_after=retry_after)


def unavailable() -> OAuthError:
    description = "Temporarily unavailable. Try again in a moment."
    return OAuthError("temporarily_unavailable", description, status=503, retry_after=UNAVAILABLE_RETRY_AFTER)


def of_api_error(exc: APIError) -> OAuthError:
    """Convert a refusal of the middleware to an OAuth error."""
    if exc.error is UNAVAILABLE:
        return unavailable()
    sentence = str(exc.extra.get("detail") or exc.error.message)
    return invalid_request(sentence, exc.error.status)


def response(problem: OAuthError) -> JsonResponse:
    return JsonResponse(problem.body, status=problem.status, headers=problem.headers)
