"""What a client is told when it is refused: one row a case, one body shape for the whole API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse

REALM = "tessera"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One case: HTTP status, the sentence for people, the stable code for programs.

    ``challenge`` is the RFC 6750 error attribute; "" sends the bare challenge, None sends none.
    """

    status: int
    error: str
    code: str
    challenge: str | None = None


CREDENTIAL_REQUIRED = Refusal(401, "API key required", "credential_required", "")
INVALID_TOKEN = Refusal(401, "Invalid API key", "invalid_token", "invalid_token")
# Told apart from the former only inside: it cost no store anything and is not counted.
MALFORMED_TOKEN = Refusal(401, "Invalid API key", "invalid_token", "invalid_token")
TOKEN_REVOKED = Refusal(401, "API key has been revoked", "token_revoked", "invalid_token")
TOKEN_EXPIRED = Refusal(401, "API key has been revoked", "token_expired", "invalid_token")
ORGANIZATION_SUSPENDED = Refusal(401, "API key has been revoked", "organization_suspended", "invalid_token")
INSUFFICIENT_SCOPE = Refusal(403, "Permission denied", "insufficient_scope", "insufficient_scope")
# RFC 9470: signing in again, and not another token of the same sign-in, is what helps.
REAUTHENTICATION_REQUIRED = Refusal(
    401,
    "Sign in again: this needs a sign-in of the last minutes",
    "reauthentication_required",
    "insufficient_user_authentication",
)
FORBIDDEN = Refusal(403, "Permission denied", "forbidden")
SESSION_REQUIRED = Refusal(403, "Only a person's session can do this", "session_required")
NOT_FOUND = Refusal(404, "Not found", "not_found")
INVALID_REQUEST = Refusal(400, "Invalid request", "invalid_request")
LAST_OWNER = Refusal(409, "An organization needs an owner", "last_owner")
INVITATION_GONE = Refusal(410, "The invitation is no longer valid", "invitation_gone")
TOKEN_LIMIT_REACHED = Refusal(409, "Token limit reached", "token_limit_reached")
ALREADY_CREATED = Refusal(409, "Already created", "already_created")
RATE_LIMITED = Refusal(429, "Rate limit exceeded", "rate_limited")
PAYLOAD_TOO_LARGE = Refusal(413, "The body is larger than 1 MB", "payload_too_large")
URI_TOO_LONG = Refusal(414, "The address is longer than 4 KB", "uri_too_long")
HTTPS_REQUIRED = Refusal(403, "HTTPS is required", "https_required")
UNSUPPORTED_MEDIA_TYPE = Refusal(415, "Unsupported media type", "unsupported_media_type")
METHOD_NOT_ALLOWED = Refusal(405, "Method not allowed", "method_not_allowed")
NOT_ACCEPTABLE = Refusal(406, "Only application/json is served here", "not_acceptable")
UNAVAILABLE = Refusal(503, "Temporarily unavailable", "unavailable")
INTERNAL_ERROR = Refusal(500, "Internal error", "internal_error")

# Long enough for a store to come back, short enough that a client's retry feels immediate.
UNAVAILABLE_RETRY_AFTER = 5


class Refused(Exception):
    """Raised anywhere below a view; becomes the response of its refusal.

    ``facts`` are the extra members of the body, for instance ``limit=50`` or ``fields={…}``.
    """

    def __init__(self, refusal: Refusal, **facts: Any) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.facts = facts


def body(refusal: Refusal, **facts: Any) -> dict[str, Any]:
    return {"error": refusal.error, "code": refusal.code, **facts}


def headers(refusal: Refusal, **facts: Any) -> dict[str, str]:
    """The challenge of RFC 6750 section 3 and Retry-After, where the case has them."""
    found: dict[str, str] = {}
    if refusal.challenge is not None:
        challenge = f'Bearer realm="{REALM}"'
        if refusal.challenge:
            challenge += f', error="{refusal.challenge}"'
        if refusal is INSUFFICIENT_SCOPE:
            challenge += f', scope="{" ".join(facts.get("required", ()))}"'
        if refusal is REAUTHENTICATION_REQUIRED:
            challenge += f', max_age="{settings.ACCOUNT_REAUTHENTICATION_TIMEOUT}"'
        found["WWW-Authenticate"] = challenge
    if refusal is UNAVAILABLE:
        found["Retry-After"] = str(UNAVAILABLE_RETRY_AFTER)
    if "retry_after" in facts:
        found["Retry-After"] = str(facts["retry_after"])
    return found


def response(refusal: Refusal, **facts: Any) -> JsonResponse:
    return JsonResponse(body(refusal, **facts), status=refusal.status, headers=headers(refusal, **facts))


def rate_limited(request: HttpRequest, retry_after: int) -> JsonResponse:
    """The answer of RateLimitMiddleware to a request over its limit."""
    return response(RATE_LIMITED, retry_after=retry_after)


def is_api(request: HttpRequest) -> bool:
    """Whether the path belongs to programs (JSON, bearer) rather than to people (pages, cookies)."""
    return request.path_info.startswith(settings.API_PREFIXES)
