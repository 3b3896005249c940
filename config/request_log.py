"""One line for each request, and its count: who asked what, and how it ended. Secrets have no field here."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts import ids
from accounts.audit import ID_PREFIXES
from config.edge import METHODS
from ratelimit import counted

STANDARD_ERROR = 2
NOBODY = ("nobody", None, None)

Who = tuple[str, str | None, str | None]


def request_done(request: HttpRequest, response: HttpResponseBase, started: float, *, api: bool) -> None:
    """Called once for each request, by the outermost layer; ``started`` is its ``perf_counter()``.

    What a streamed answer takes to be sent is not in the duration.
    """
    seconds = perf_counter() - started
    who = _who(request)
    counted.request(who[0], response.status_code, seconds, api=api)
    if settings.ACCESS_LOG:
        write = _console if settings.LOG_FORMAT == "console" else _json
        line = write(request, response.status_code, seconds * 1000, who)
        try:
            # One system call a line, so that those of several processes never mix.
            os.write(STANDARD_ERROR, line.encode())
        except OSError:
            # Whoever collected the lines is gone, which is no reason to refuse the request.
            return


def _who(request: HttpRequest) -> Who:
    """The kind of the caller, their public id and their organization's; asking loads no session."""
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
        return NOBODY
    membership = getattr(request, "membership", None)
    return (
        "browser",
        _named("usr", user.pk),
        _named("org", membership.organization_id) if membership else None,
    )


@lru_cache(maxsize=10_000)
def _named(prefix: str, value: UUID) -> str:
    return ids.encode(prefix, value)


def _json(request: HttpRequest, status: int, milliseconds: float, who: Who) -> str:
    """The whole line at once: a chain of processors for each request would cost ten times as much."""
    line: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z",
        "level": "info",
        "logger": "tessera.request",
        "event": "request",
        "request_id": request.id,  # type: ignore[attr-defined]
        "actor_type": who[0],
        "actor_id": who[1],
        "organization_id": who[2],
        "method": _method(request),
        "route": _route(request),
        "status": status,
        "duration_ms": round(milliseconds, 2),
    }
    return json.dumps(line) + "\n"


def _console(request: HttpRequest, status: int, milliseconds: float, who: Who) -> str:
    caller = " ".join(filter(None, who))
    moment = datetime.now(UTC).isoformat()[11:19]
    return f"{moment} {status} {_method(request)} /{_route(request) or '?'} {milliseconds:.1f} ms, {caller}\n"


def _method(request: HttpRequest) -> str:
    """One that HTTP knows; anything could be sent in its place."""
    return request.method if request.method in METHODS else "other"


def _route(request: HttpRequest) -> str | None:
    """The pattern that fitted, never the path: that may carry a mailed link's secret."""
    match = request.resolver_match
    return match.route if match else None
