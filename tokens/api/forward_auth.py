"""Forward authentication: a proxy asks here, before each request, whether it may pass and whose it is.

A plain view without DRF, because it is asked once for every request to somebody's whole API. The bearer
is proved and charged by the middleware, as for any endpoint.
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

# nginx reads all headers of an answer into one page of 4 KB, so the list of permissions gets half of it.
MAX_PERMISSIONS = MAX_BODY = 2048
MOST_REQUIRED = 20
PREFIXES = {"service_account": "tok", "user": "usr", "client": "cli"}


@csrf_exempt
def verify(request: HttpRequest, status: int = 204) -> HttpResponse:
    """Any method, whose body is never read: ``?require=<permission>``, repeated where several are needed.

    Raises APIError: 401 and 403 as everywhere, invalid_request where the proxy asks wrongly.
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


# The check of doors asks for DRF's guards on every path of the API; this view looks at its bearer itself.
verify.public = True  # type: ignore[attr-defined]


@lru_cache(maxsize=512)
def requirements(query: str) -> tuple[str, ...]:
    """The permissions that a query asks for; all of them are needed.

    Nothing but ``require`` may be asked, because a misspelt name must not let everybody in.
    Raises APIError(invalid_request).
    """
    wanted = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "require":
            raise _asked_wrongly("an unknown parameter", name, "Only require=<permission> can be asked.")
        try:
            parse(value)
        except ValueError as problem:
            raise _asked_wrongly("a malformed permission", name, str(problem)) from None
        wanted.append(value)
    if query and not wanted:
        raise _asked_wrongly("a query of separators alone", "require", "Ask for require=<permission>.")
    if len(wanted) > MOST_REQUIRED:
        raise _asked_wrongly("too many permissions", "require", f"Ask for {MOST_REQUIRED} at most.")
    return tuple(wanted)


def before_path(query: str) -> str:
    """Our part of Envoy's question, to which it appends the client's own address as ``&path=``.

    A question that begins with it asks for nothing: a line with a mistake, which must not let everybody in.
    """
    ours = f"&{query}".partition("&path=")[0][1:]
    if query and not ours:
        raise _asked_wrongly("nothing before path=", "path", "Ask for require=<permission> before path=.")
    return ours


def _asked_wrongly(what: str, name: str, sentence: str) -> APIError:
    # The value is not logged: whoever writes a query by hand may have put a secret there.
    logger.warning("A proxy asks for forward authentication with %s: nobody is let in.", what)
    return APIError(errors.INVALID_REQUEST, fields={name: [sentence]})


@lru_cache(maxsize=4096)
def identity(
    actor_type: str, pk: UUID, organization_id: UUID, permissions: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """The headers that tell an API whose request it is. Each is always there, so that a proxy overwrites
    whatever a client has sent under its name.
    """
    return (
        ("X-Tessera-Actor-Type", actor_type),
        ("X-Tessera-Subject", typeid.encode(PREFIXES[actor_type], pk)),
        ("X-Tessera-Organization-Id", typeid.encode("org", organization_id)),
        ("X-Tessera-Permissions", listed(permissions)),
    )


def listed(permissions: tuple[str, ...]) -> str:
    """As many as fit, separated by spaces: a list that is cut short can only give less than the whole."""
    text = " ".join(permissions)
    if len(text) <= MAX_PERMISSIONS:
        return text
    return text[: MAX_PERMISSIONS + 1].rpartition(" ")[0]


def tell_nginx(response: Any) -> None:
    """Turn a refusal into what auth_request lets through: 401, or 403 with the status that was meant.

    ``X-Tessera-Body`` is the body for nginx to answer with, because it drops the one of a subrequest.
    """
    meant = response.status_code
    if meant < 400:
        return
    response.headers["X-Tessera-Status"] = str(meant)
    if response.get("Content-Type") == "application/json" and len(response.content) <= MAX_BODY:
        # Django's JSON is ASCII on one line, as a header has to be.
        response.headers["X-Tessera-Body"] = response.content.decode("ascii")
    if meant not in (401, 403):
        response.status_code = 403
