"""Longer statement timeout for transactions that wait for an organization's lock, and for staff pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

_seconds: ContextVar[float] = ContextVar("patience", default=0.0)


@contextmanager
def extended_lock_timeout() -> Iterator[None]:
    """Statements inside may take DATABASE_LOCK_SECONDS: the others in line are at work, not stuck."""
    with at_least(settings.DATABASE_LOCK_SECONDS):
        yield


@contextmanager
def at_least(wanted: float) -> Iterator[None]:
    """Statements inside may take ``wanted`` seconds, or longer where they may already."""
    token = _seconds.set(max(_seconds.get(), wanted))
    try:
        yield
    finally:
        _seconds.reset(token)


def seconds() -> float:
    """The least that a statement is given now; 0 where it is nothing special."""
    return _seconds.get()
