"""Who waits longer than others for SQL: whoever stands in line for a lock that people take by turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

_seconds: ContextVar[float] = ContextVar("patience", default=0.0)


@contextmanager
def in_line() -> Iterator[None]:
    """Statements inside may take DATABASE_LOCK_SECONDS: the others in line are at work, not stuck."""
    token = _seconds.set(settings.DATABASE_LOCK_SECONDS)
    try:
        yield
    finally:
        _seconds.reset(token)


def seconds() -> float:
    """The least that a statement is given now; 0 where it is nothing special."""
    return _seconds.get()
