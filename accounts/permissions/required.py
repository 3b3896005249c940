"""Checks that a permission is held, and a record of what the current request required, for statistics."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar

from accounts import errors
from accounts.errors import APIError
from accounts.permissions.scopes import ScopeSet

# A request that requires more, such as a token with all permissions, is recorded with the first ones.
MOST_RECORDED = 50
_required: ContextVar[tuple[str, ...]] = ContextVar("required", default=())


def begin() -> None:
    """Forget what the thread's previous request required."""
    _required.set(())


def current() -> tuple[str, ...]:
    return _required.get()


def record(permissions: Iterable[str]) -> None:
    """Record permissions without which the request is refused, or has another result."""
    known = _required.get()
    new = tuple(text for text in permissions if text not in known)
    if new:
        _required.set((known + new)[:MOST_RECORDED])


def require(held: ScopeSet, wanted: Iterable[str]) -> None:
    """Record the permissions; raise APIError(insufficient_scope) with those that are not held."""
    required = tuple(wanted)
    record(required)
    if missing := held.missing(required):
        raise APIError(errors.INSUFFICIENT_SCOPE, required=missing)
