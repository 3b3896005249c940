"""Which of a token's permissions its calls needed, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.permissions.scopes import ScopeSet, parse
from ratelimit.statistics.counts import Names, Seen

# A younger token may not have done yet what it does every day.
YOUNGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PermissionUse:
    """A permission with the calls that needed it; ``seen`` is None if no call did."""

    permission: str
    seen: Seen | None


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


def by_permission(held: Iterable[str], required: Names) -> list[PermissionUse]:
    """Return the use of each of ``held``, the one with most calls first and the unused ones last.

    ``required`` are permissions that endpoints required. Each counts for every held one that covers it.
    """
    uses = [PermissionUse(text, _together(text, required)) for text in held]
    return sorted(uses, key=lambda use: -use.seen.count if use.seen else 0)


def refused_by(kept: Iterable[str], held: Iterable[str], required: Names) -> list[PermissionUse]:
    """Return the required permissions that ``held`` covers and ``kept`` does not, most calls first."""
    before, after = ScopeSet.of(held), ScopeSet.of(kept)
    texts = [text for text in required if _is_permission(text)]
    lost = [PermissionUse(text, required[text]) for text in after.missing(before.covered(texts))]
    return sorted(lost, key=lambda use: -required[use.permission].count)


def _together(held: str, required: Names) -> Seen | None:
    granted, found = ScopeSet.of([held]), None
    for text, seen in required.items():
        if not _is_permission(text) or not granted.allows(text):
            continue
        if found is None:
            found = Seen(seen.count, seen.first_at, seen.last_at)
        else:
            found.add(seen)
    return found


def _is_permission(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
