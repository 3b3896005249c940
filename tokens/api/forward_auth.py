"""Forward authentication: a proxy asks before each request whether it is allowed, and by whom it is.

A plain view without DRF, because it is called for every request to a whole API. The middleware authenticates
and charges the bearer token, as for any endpoint.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts import errors, typeid
from accounts.errors import APIError
from accounts.permissions.required import require
from tokens.api.forward_auth_query import before_path, question
from tokens.credentials import forward_auth_paths
from tokens.credentials.authentication import refused
from tokens.credentials.credential import Credential

# nginx reads all headers of a response into one page of 4 KB, so the permissions get half of it.
MAX_PERMISSIONS = MAX_BODY = 2048
PREFIXES = {"service_account": "tok", "user": "usr", "client": "cli"}


@csrf_exempt
def verify(request: HttpRequest, status: int = 204) -> HttpResponse:
    """Check ``?require=<permission>``, which may be repeated; with ``&metadata=1`` return the metadata too.

    Accepts any method and reads no body.

    Raises APIError: 401 and 403 as every endpoint, invalid_request for an invalid query of the proxy.
    """
    credential: Credential | None = request.credential  # type: ignore[attr-defined]
    if credential is None:
        raise refused(request)
    query = request.META.get("QUERY_STRING", "")
    asked = question(before_path(query) if request.path_info == forward_auth_paths.FOR_ENVOY else query)
    require(credential.scopes, asked.required)
    if credential.id is None or credential.organization_id is None:
        raise APIError(errors.FORBIDDEN)
    response = HttpResponse(status=status)
    del response.headers["Content-Type"]
    found = identity(credential.type, credential.id, credential.organization_id, credential.scopes.texts)
    for name, value in found:
        response.headers[name] = value
    if asked.wants_metadata:
        response.headers["X-Tessera-Metadata"] = encoded(credential.metadata)
        response.headers["X-Tessera-Organization-Metadata"] = encoded(credential.organization_metadata)
    return response


# Exempt from the check for DRF permissions, because this view checks its bearer token itself.
verify.public = True  # type: ignore[attr-defined]


@lru_cache(maxsize=4096)
def identity(
    actor_type: str, pk: UUID, organization_id: UUID, permissions: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Return the headers that identify the caller to the API.

    All of them are always set, so that a proxy overwrites headers of the same names sent by a client.
    """
    return (
        ("X-Tessera-Actor-Type", actor_type),
        ("X-Tessera-Subject", typeid.encode(PREFIXES[actor_type], pk)),
        ("X-Tessera-Organization-Id", typeid.encode("org", organization_id)),
        ("X-Tessera-Permissions", listed(permissions)),
    )


def encoded(metadata: Mapping[str, str]) -> str:
    """Return the JSON object in UTF-8 as base64url without padding (RFC 4648 section 5)."""
    return _encoded(tuple(metadata.items()))


@lru_cache(maxsize=1024)
def _encoded(entries: tuple[tuple[str, str], ...]) -> str:
    text = json.dumps(dict(sorted(entries)), ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def listed(permissions: tuple[str, ...]) -> str:
    """Join as many permissions as fit, separated by spaces. A truncated list grants only less."""
    text = " ".join(permissions)
    if len(text) <= MAX_PERMISSIONS:
        return text
    return text[: MAX_PERMISSIONS + 1].rpartition(" ")[0]


def adapt_to_nginx(response: Any) -> None:
    """Convert a refusal to a status that auth_request supports: 401, or 403 with the original status.

    ``X-Tessera-Body`` is the body for nginx to return, because it drops that of a subrequest.
    """
    status = response.status_code
    if status < 400:
        return
    response.headers["X-Tessera-Status"] = str(status)
    if response.get("Content-Type") == "application/json" and len(response.content) <= MAX_BODY:
        # Django's JSON is ASCII on one line, as a header has to be.
        response.headers["X-Tessera-Body"] = response.content.decode("ascii")
    if status not in (401, 403):
        response.status_code = 403
