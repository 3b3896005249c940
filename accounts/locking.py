"""Longer statement timeout for transactions that wait for an organization's lock, and for staff pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

_seconds: ContextVar[float] = ContextVar("statement_timeout", default=0.0)


@contextmanager
def extended_lock_timeout() -> Iterator[None]:
    """Raise the statement timeout to DATABASE_LOCK_SECONDS, because a wait for this lock is normal."""
    with at_least(settings.DATABASE_LOCK_SECONDS):
        yield


@contextmanager
def at_least(wanted: float) -> Iterator[None]:
    """Raise the statement timeout inside to ``wanted`` seconds, unless it is longer already."""
    token = _seconds.set(max(_seconds.get(), wanted))
    try:
        yield
    finally:
        _seconds.reset(token)


def seconds() -> float:
    """Return the raised statement timeout in seconds; 0 if it was not raised."""
    return _seconds.get()
