"""The errors of the API in the OpenAPI document: one schema, and an example of each error."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from accounts import errors
from accounts.errors import ErrorCode

Schema = dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "description": "Every error has this form; `code` is stable, `error` is for people.",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "string", "description": "What exactly is wrong, where it helps."},
        "fields": {
            "type": "object",
            "description": "With invalid_request: sentences by the name of the field or parameter.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "required": {
            "type": "array",
            "items": {"type": "string"},
            "description": "With insufficient_scope: the permissions that are lacking.",
        },
        "limit": {"type": "integer", "description": "With token_limit_reached."},
        "retry_after": {"type": "integer", "description": "With rate_limited: seconds."},
        "paused_until": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "With token_paused: null until the token is resumed.",
        },
        "record": {"type": "object", "description": "With already_created: what exists, without its secret."},
    },
}
ERROR_REF = {"$ref": "#/components/schemas/Error"}

# Further members in the examples of these errors.
_FACTS: dict[str, Schema] = {
    errors.ADDRESS_NOT_ALLOWED.code: {"detail": "The request came from 203.0.113.7."},
    errors.TOKEN_PAUSED.code: {"paused_until": "2026-12-31T23:59:59.000Z"},
    errors.INVALID_REQUEST.code: {"fields": {"name": ["This field is required."]}},
    errors.INSUFFICIENT_SCOPE.code: {"required": ["tokens.manage"]},
    errors.TOKEN_LIMIT_REACHED.code: {"limit": 50},
    errors.RATE_LIMITED.code: {"retry_after": 3600},
    errors.ALREADY_CREATED.code: {"record": {"id": "tok_01k9zq8c4se1ktw5n9y2a6p0mh"}},
}


def _header(description: str, kind: str = "string") -> Schema:
    return {"description": description, "schema": {"type": kind}}


REQUEST_ID = {"X-Request-ID": _header("Names this request in the server's log; a caller may choose it.")}
RATE_LIMIT = {
    "X-RateLimit-Limit": _header("Requests a day; missing where the plan is unlimited.", "integer"),
    "X-RateLimit-Remaining": _header("Requests left today.", "integer"),
    "X-RateLimit-Reset": _header("Epoch seconds of the next UTC midnight.", "integer"),
    "RateLimit-Policy": _header('Every limit in force: `"daily";q=1000;w=86400`.'),
    "RateLimit": _header('The remaining quota of each: `"daily";r=999;t=3600`.'),
}
EXPIRY = {
    "X-Token-Expires-At": _header("When the credential ends, if that is within 14 days (ISO 8601, UTC).")
}
CHALLENGE = {"WWW-Authenticate": _header("RFC 6750, section 3.")}
RETRY_AFTER = {"Retry-After": _header("Seconds to wait.", "integer")}
HEADERS = REQUEST_ID | RATE_LIMIT | EXPIRY | CHALLENGE | RETRY_AFTER


def add_components(result: Schema, **_: Any) -> Schema:
    """drf-spectacular hook: add the components that operations refer to."""
    result["components"].setdefault("schemas", {})["Error"] = ERROR
    result["components"]["headers"] = HEADERS
    return result


def headers(status: int, *, identified: bool) -> Schema:
    """Return the headers of a response of this status; only an identified caller gets those of limits."""
    found = set(REQUEST_ID)
    if identified and status not in (401, 503):
        found |= RATE_LIMIT.keys()
    if identified and status < 300:
        found |= EXPIRY.keys()
    if status in (401, 403):
        found |= CHALLENGE.keys()
    if status in (429, 503):
        found |= RETRY_AFTER.keys()
    return {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS if name in found}


def responses(cases: Iterable[ErrorCode]) -> dict[str, Schema]:
    """Return the responses by status, with an example of each error."""
    found: dict[str, Schema] = {}
    for case in sorted(cases, key=lambda case: case.status):
        response = found.setdefault(
            str(case.status),
            {
                "description": HTTPStatus(case.status).phrase,
                "content": {"application/json": {"schema": ERROR_REF, "examples": {}}},
            },
        )
        example = errors.body(case, **_FACTS.get(case.code, {}))
        response["content"]["application/json"]["examples"][case.code] = {"value": example}
    return found
