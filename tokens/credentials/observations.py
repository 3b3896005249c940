"""Observation of programs' requests, for the statistics of tokens and OAuth clients."""

from __future__ import annotations

from time import time

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.audit import request_context
from accounts.permissions import required
from accounts.validation.networks import network_of
from ratelimit.statistics.observations import gatherer
from ratelimit.statistics.tables import TOO_MANY_REQUESTS, Observation
from tokens.credentials import forward_auth_paths
from tokens.credentials.credential import Credential

PROGRAMS = frozenset(("service_account", "client"))
UNKNOWN_ROUTE = "unknown"
OTHER_LIMIT = "other"
PERMISSION = "permission"
FORBIDDEN = 403


def observe(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Observe an answered request; those of people and of internal services are left out."""
    credential: Credential | None = getattr(request, "credential", None)
    if credential is None or credential.type not in PROGRAMS:
        return
    charged = credential.limit_request
    if charged is None:
        return
    address = request_context.current().address
    permissions, status = required.current(), response.status_code
    match = request.resolver_match
    route = match.view_name if match else UNKNOWN_ROUTE
    if request.path_info in forward_auth_paths.PATHS:
        route = " ".join(permissions) or route
        status = int(response.headers.get("X-Tessera-Status", status))
    gatherer.observe(
        Observation(
            charged.bucket,
            charged.subject,
            time(),
            seconds,
            status,
            permissions,
            network_of(address) if address else "",
            f"{request.method} {route}",
            _refused_by(request, credential, status) if status in (FORBIDDEN, TOO_MANY_REQUESTS) else "",
        )
    )


def _refused_by(request: HttpRequest, credential: Credential, status: int) -> str:
    """Return the name of the limit, ``permission``, or "" for another reason."""
    if status == TOO_MANY_REQUESTS:
        return getattr(request, "exhausted_limit", OTHER_LIMIT)
    return PERMISSION if credential.scopes.missing(required.current()) else ""
