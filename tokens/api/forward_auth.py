"""Forward authentication: a proxy asks before each request whether it is allowed, and by whom it is.

A plain view without DRF, because it is called for every request to a whole API. The middleware authenticates
and charges the bearer token, as for any endpoint.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts import errors, typeid
from accounts.errors import APIError
from accounts.permissions.scopes import parse
from tokens.credentials import forward_auth_paths
from tokens.credentials.authentication import refused
from tokens.credentials.credential import Credential

logger = logging.getLogger(__name__)

# nginx reads all headers of a response into one page of 4 KB, so the permissions get half of it.
MAX_PERMISSIONS = MAX_BODY = 2048
MOST_REQUIRED = 20
PREFIXES = {"service_account": "tok", "user": "usr", "client": "cli"}


@csrf_exempt
def verify(request: HttpRequest, status: int = 204) -> HttpResponse:
    """Check ``?require=<permission>``, which may be repeated. Accepts any method and reads no body.

    Raises APIError: 401 and 403 as every endpoint, invalid_request for an invalid query of the proxy.
    """
    credential: Credential | None = request.credential  # type: ignore[attr-defined]
    if credential is None:
        raise refused(request)
    query = request.META.get("QUERY_STRING", "")
    wanted = requirements(before_path(query) if request.path_info == forward_auth_paths.FOR_ENVOY else query)
    if missing := credential.scopes.missing(wanted):
        raise APIError(errors.INSUFFICIENT_SCOPE, required=missing)
    if credential.id is None or credential.organization_id is None:
        raise APIError(errors.FORBIDDEN)
    response = HttpResponse(status=status)
    del response.headers["Content-Type"]
    found = identity(credential.type, credential.id, credential.organization_id, credential.scopes.texts)
    for name, value in found:
        response.headers[name] = value
    return response


# Exempt from the check for DRF permissions, because this view checks its bearer token itself.
verify.public = True  # type: ignore[attr-defined]


@lru_cache(maxsize=512)
def requirements(query: str) -> tuple[str, ...]:
    """Return the required permissions of a query.

    Raises APIError(invalid_request) for any parameter but ``require``, because a misspelt name must not admit
    every request.
    """
    wanted = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "require":
            raise _invalid_request("an unknown parameter", name, "Use require=<permission> only.")
        try:
            parse(value)
        except ValueError as problem:
            raise _invalid_request("a malformed permission", name, str(problem)) from None
        wanted.append(value)
    if query and not wanted:
        raise _invalid_request("a query of separators alone", "require", "Ask for require=<permission>.")
    if len(wanted) > MOST_REQUIRED:
        raise _invalid_request("too many permissions", "require", f"Ask for {MOST_REQUIRED} at most.")
    return tuple(wanted)


def before_path(query: str) -> str:
    """Return the query before ``&path=``, which Envoy appends with the client's URL.

    Raises APIError(invalid_request) if nothing precedes it, because a configuration error must not admit
    every request.
    """
    ours = f"&{query}".partition("&path=")[0][1:]
    if query and not ours:
        raise _invalid_request("nothing before path=", "path", "Ask for require=<permission> before path=.")
    return ours


def _invalid_request(what: str, name: str, sentence: str) -> APIError:
    # The value is not logged, because it may be a secret.
    logger.warning("Forward authentication was requested with %s: the request is refused.", what)
    return APIError(errors.INVALID_REQUEST, fields={name: [sentence]})


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
