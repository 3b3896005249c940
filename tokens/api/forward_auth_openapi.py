"""OpenAPI of forward authentication, a plain view that drf-spectacular does not include."""

from __future__ import annotations

from typing import Any

from accounts import errors
from accounts.drf import error_openapi
from accounts.drf.openapi import BEARER_REFUSED
from accounts.permissions.scopes import PATTERN
from tokens.api import forward_auth_query
from tokens.credentials import forward_auth_paths

Schema = dict[str, Any]

REFUSED = (
    *BEARER_REFUSED,
    errors.INVALID_REQUEST,
    errors.INSUFFICIENT_SCOPE,
    errors.RATE_LIMITED,
    errors.UNAVAILABLE,
)
DESCRIPTION = """\
A proxy in front of an API sends the headers of each request here first. Any method is accepted, and no body
is read. tokens/README.md shows the lines for nginx, Caddy, Traefik and Envoy; nginx and Envoy have paths of
their own."""
REQUIRE: Schema = {
    "name": "require",
    "in": "query",
    "description": "A permission that the caller needs. If repeated, all are needed.",
    "schema": {
        "type": "array",
        "maxItems": forward_auth_query.MOST_REQUIRED,
        "items": {"type": "string", "pattern": PATTERN},
    },
    "explode": True,
}
METADATA: Schema = {
    "name": "metadata",
    "in": "query",
    "description": "Whether the response has the two headers with metadata.",
    "schema": {"type": "string", "enum": ["1"]},
}
ENCODED = "a JSON object of strings as base64url without padding; only with `metadata=1`."
HEADERS = {
    "X-Tessera-Actor-Type": "service_account, user or client.",
    "X-Tessera-Subject": "The id of the token, the user or the client.",
    "X-Tessera-Organization-Id": "The organization that the caller works for.",
    "X-Tessera-Permissions": "What the caller may do, separated by spaces; at most 2 KB.",
    "X-Tessera-Metadata": f"The token's metadata, {ENCODED}",
    "X-Tessera-Organization-Metadata": f"The organization's metadata, {ENCODED}",
}


def add_path(result: Schema, **_: Any) -> Schema:
    """Add the path: a postprocessing hook of drf-spectacular."""
    found = error_openapi.responses(REFUSED) | {"204": {"description": "The request is allowed"}}
    for status, response in found.items():
        response["headers"] = error_openapi.headers(int(status), identified=True)
    found["204"]["headers"] |= {
        name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()
    }
    result["paths"][forward_auth_paths.PATH] = {
        "get": {
            "operationId": "verifyForwardAuth",
            "summary": "Authorize a request",
            "description": DESCRIPTION,
            "tags": ["Identity"],
            "parameters": [REQUIRE, METADATA],
            "security": [{"bearer": []}],
            "responses": dict(sorted(found.items())),
        }
    }
    return result
