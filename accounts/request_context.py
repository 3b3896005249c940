"""Where the work at hand came from, for the audit log: set once per request, empty in commands."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    address: str | None = None
    request_id: str = ""


NOWHERE = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("origin", default=NOWHERE)


def current() -> RequestContext:
    return _current.get()


def begin(address: str | None, request_id: str) -> None:
    """Each request overwrites what its thread did before."""
    _current.set(RequestContext(address, request_id))
