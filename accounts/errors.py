"""The errors of the API: status, sentence and stable code of each, and their one response format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse

REALM = "tessera"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """HTTP status, message for people and stable code for programs.

    ``challenge`` is the error attribute of RFC 6750 section 3: "" sends the challenge without one,
    None sends no challenge.
    """

    status: int
    message: str
    code: str
    challenge: str | None = None


CREDENTIAL_REQUIRED = ErrorCode(401, "API key required", "credential_required", "")
INVALID_TOKEN = ErrorCode(401, "Invalid API key", "invalid_token", "invalid_token")
# The same response as INVALID_TOKEN. It costs no query, and the limit of guesses does not count it.
MALFORMED_TOKEN = ErrorCode(401, "Invalid API key", "invalid_token", "invalid_token")
TOKEN_REVOKED = ErrorCode(401, "API key has been revoked", "token_revoked", "invalid_token")
TOKEN_EXPIRED = ErrorCode(401, "API key has been revoked", "token_expired", "invalid_token")
TOKEN_ROTATED = ErrorCode(401, "API key has been revoked", "token_rotated", "invalid_token")
TOKEN_PAUSED = ErrorCode(401, "API key is paused", "token_paused", "invalid_token")
ORGANIZATION_SUSPENDED = ErrorCode(401, "API key has been revoked", "organization_suspended", "invalid_token")
INSUFFICIENT_SCOPE = ErrorCode(403, "Permission denied", "insufficient_scope", "insufficient_scope")
# RFC 9470: the user must sign in again; another token of the same sign-in would not help.
REAUTHENTICATION_REQUIRED = ErrorCode(
    401,
    "Sign in again: this needs a sign-in of the last minutes",
    "reauthentication_required",
    "insufficient_user_authentication",
)
FORBIDDEN = ErrorCode(403, "Permission denied", "forbidden")
ADDRESS_NOT_ALLOWED = ErrorCode(403, "Address not allowed", "address_not_allowed")
SESSION_REQUIRED = ErrorCode(403, "Only a person's session can do this", "session_required")
NOT_FOUND = ErrorCode(404, "Not found", "not_found")
INVALID_REQUEST = ErrorCode(400, "Invalid request", "invalid_request")
LAST_OWNER = ErrorCode(409, "An organization needs an owner", "last_owner")
INVITATION_GONE = ErrorCode(410, "The invitation is no longer valid", "invitation_gone")
TOKEN_LIMIT_REACHED = ErrorCode(409, "Token limit reached", "token_limit_reached")
TOKEN_NOT_ACTIVE = ErrorCode(409, "The token is no longer active", "token_not_active")
ROTATION_IN_PROGRESS = ErrorCode(409, "A rotation is in progress", "rotation_in_progress")
NO_ROTATION = ErrorCode(409, "No rotation is in progress", "no_rotation")
ALREADY_CREATED = ErrorCode(409, "Already created", "already_created")
RATE_LIMITED = ErrorCode(429, "Rate limit exceeded", "rate_limited")
PAYLOAD_TOO_LARGE = ErrorCode(413, "The body is larger than 1 MB", "payload_too_large")
URI_TOO_LONG = ErrorCode(414, "The address is longer than 4 KB", "uri_too_long")
HTTPS_REQUIRED = ErrorCode(403, "HTTPS is required", "https_required")
UNSUPPORTED_MEDIA_TYPE = ErrorCode(415, "Unsupported media type", "unsupported_media_type")
METHOD_NOT_ALLOWED = ErrorCode(405, "Method not allowed", "method_not_allowed")
NOT_ACCEPTABLE = ErrorCode(406, "Only application/json is served here", "not_acceptable")
UNAVAILABLE = ErrorCode(503, "Temporarily unavailable", "unavailable")
INTERNAL_ERROR = ErrorCode(500, "Internal error", "internal_error")

# In seconds: PostgreSQL or Redis mostly recovers in this time, and a client's retry still feels immediate.
UNAVAILABLE_RETRY_AFTER = 5


class APIError(Exception):
    """An error response, raised anywhere below a view.

    ``extra`` are further members of the body, for instance ``limit=50`` or ``fields={…}``.
    """

    def __init__(self, error: ErrorCode, **extra: Any) -> None:
        super().__init__(error.code)
        self.error = error
        self.extra = extra


def body(error: ErrorCode, **extra: Any) -> dict[str, Any]:
    return {"error": error.message, "code": error.code, **extra}


def headers(error: ErrorCode, **extra: Any) -> dict[str, str]:
    """Return the challenge of RFC 6750 section 3 and Retry-After, where the error has them."""
    found: dict[str, str] = {}
    if error.challenge is not None:
        challenge = f'Bearer realm="{REALM}"'
        if error.challenge:
            challenge += f', error="{error.challenge}"'
        if error is INSUFFICIENT_SCOPE:
            challenge += f', scope="{" ".join(extra.get("required", ()))}"'
        if error is REAUTHENTICATION_REQUIRED:
            challenge += f', max_age="{settings.ACCOUNT_REAUTHENTICATION_TIMEOUT}"'
        found["WWW-Authenticate"] = challenge
    if error is UNAVAILABLE:
        found["Retry-After"] = str(UNAVAILABLE_RETRY_AFTER)
    if "retry_after" in extra:
        found["Retry-After"] = str(extra["retry_after"])
    return found


def response(error: ErrorCode, **extra: Any) -> JsonResponse:
    return JsonResponse(body(error, **extra), status=error.status, headers=headers(error, **extra))


def rate_limited(request: HttpRequest, retry_after: int) -> JsonResponse:
    """Return the 429 response of RateLimitMiddleware."""
    return response(RATE_LIMITED, retry_after=retry_after)


def is_api(request: HttpRequest) -> bool:
    """Return whether the path belongs to the API (JSON, bearer token) and not to the pages (cookies)."""
    return request.path_info.startswith(settings.API_PREFIXES)
