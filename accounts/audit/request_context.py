"""Client address and id of the current request, for the audit log; empty in commands."""

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
    """Set the context of a new request, in place of the thread's previous one."""
    _current.set(RequestContext(address, request_id))
