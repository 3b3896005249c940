"""Access log and request metrics: the caller, the route and the outcome. No field contains a secret."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter, time
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts import typeid
from accounts.audit.log import ID_PREFIXES
from config.http.request_checks import METHODS
from ratelimit import metrics
from tokens.credentials import observations

STANDARD_ERROR = 2
ANONYMOUS = ("nobody", None, None)
# Each value is generated here or matches the pattern of a request ID, so none needs escaping.
_LINE = (
    '{"timestamp": "%s.%06dZ", "level": "info", "logger": "tessera.request", "event": "request", '
    '"request_id": "%s", %s, "method": "%s", "route": %s, "status": %d, "duration_ms": %.2f}\n'
)

Who = tuple[str, str | None, str | None]


def request_done(request: HttpRequest, response: HttpResponseBase, started: float, *, api: bool) -> None:
    """Observe, log and count a request that began at ``started`` of ``perf_counter()``.

    The duration does not include the sending of a streamed response.
    """
    seconds = perf_counter() - started
    who = _who(request)
    observations.observe(request, response, seconds)
    metrics.request(who[0], response.status_code, seconds, api=api)
    if settings.ACCESS_LOG:
        write = _console if settings.LOG_FORMAT == "console" else _json
        line = write(request, response.status_code, seconds * 1000, who)
        try:
            # One system call per line, so that lines of several processes never mix.
            os.write(STANDARD_ERROR, line.encode())
        except OSError:
            # The reader of the log has ended, which is no reason to fail the request.
            return


def _who(request: HttpRequest) -> Who:
    """Return the caller's kind, their public ID and their organization's, without loading a session."""
    credential = getattr(request, "credential", None)
    if credential is not None:
        organization_id = credential.organization_id
        return (
            credential.type,
            _named(ID_PREFIXES.get(credential.type, "usr"), credential.id) if credential.id else None,
            _named("org", organization_id) if organization_id else None,
        )
    user = getattr(request, "_cached_user", None)
    if user is None or user.pk is None:
        return ANONYMOUS
    membership = getattr(request, "membership", None)
    return (
        "browser",
        _named("usr", user.pk),
        _named("org", membership.organization_id) if membership else None,
    )


@lru_cache(maxsize=10_000)
def _named(prefix: str, value: UUID) -> str:
    return typeid.encode(prefix, value)


def _json(request: HttpRequest, status: int, milliseconds: float, who: Who) -> str:
    """Fill in the line from cached parts, because structlog's processors would cost ten times as much."""
    seconds, fraction = divmod(time(), 1)
    return _LINE % (
        _second(int(seconds)),
        int(fraction * 1_000_000),
        request.id,  # type: ignore[attr-defined]
        _caller(*who),
        _method(request),
        _quoted(_route(request)),
        status,
        milliseconds,
    )


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()[:19]


@lru_cache(maxsize=10_000)
def _caller(kind: str, actor_id: str | None, organization_id: str | None) -> str:
    whole = {"actor_type": kind, "actor_id": actor_id, "organization_id": organization_id}
    return json.dumps(whole)[1:-1]


@lru_cache(maxsize=1_000)
def _quoted(route: str | None) -> str:
    return json.dumps(route)


def _console(request: HttpRequest, status: int, milliseconds: float, who: Who) -> str:
    caller = " ".join(filter(None, who))
    moment = _second(int(time()))[11:]
    return f"{moment} {status} {_method(request)} /{_route(request) or '?'} {milliseconds:.1f} ms, {caller}\n"


def _method(request: HttpRequest) -> str:
    """Return a known method, because a client can send anything."""
    return request.method if request.method in METHODS else "other"


def _route(request: HttpRequest) -> str | None:
    """Return the pattern that matched, never the path, which may contain the secret of a mailed link."""
    match = request.resolver_match
    return match.route if match else None
