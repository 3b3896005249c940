"""Which of a token's permissions its calls needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from accounts.permissions.scopes import ScopeSet, parse

# A younger token may not have done yet what it does every day.
YOUNGEST = timedelta(days=1)


def is_known(created_at: datetime, used: Iterable[str], now: datetime) -> bool:
    """Return whether statistics say enough about a token to call its other permissions unused."""
    return created_at <= now - YOUNGEST and any(map(_is_permission, used))


def used_of(held: Iterable[str], used: Iterable[str]) -> list[str]:
    """Return those of ``held`` that cover at least one of the ``used`` permissions, in their order.

    ``used`` are permissions that endpoints required. A text that is no permission, such as the name of the
    rest in statistics, is ignored.
    """
    required = [text for text in used if _is_permission(text)]
    return [text for text in held if ScopeSet.of([text]).covered(required)]


def _is_permission(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
