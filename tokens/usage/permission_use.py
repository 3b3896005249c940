"""Which of a token's permissions its calls needed, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.permissions.scopes import ScopeSet, parse
from ratelimit.statistics.counts import Names, Seen, add_names

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
    """Return those of ``held`` that the ``used`` permissions needed, in their order.

    ``used`` are permissions that endpoints required. Of several held ones that cover it, only the narrowest
    are needed. A text that is no permission, such as the name of the rest in statistics, is ignored.
    """
    scopes = _parsed(held)
    needed = {text for one in used for text in _narrowest(scopes, one)}
    return [text for text in scopes if text in needed]


def by_permission(held: Iterable[str], required: Names) -> list[PermissionUse]:
    """Return the use of each of ``held``, the one with most calls first and the unused ones last.

    ``required`` are permissions that endpoints required. Each counts for the narrowest held ones that cover
    it.
    """
    scopes = _parsed(held)
    uses: dict[str, Names] = {text: {} for text in scopes}
    for one, seen in required.items():
        for text in _narrowest(scopes, one):
            add_names(uses[text], {text: seen})
    found = [PermissionUse(text, names.get(text)) for text, names in uses.items()]
    return sorted(found, key=lambda use: -use.seen.count if use.seen else 0)


def refused_by(kept: Iterable[str], held: Iterable[str], required: Names) -> list[PermissionUse]:
    """Return the required permissions that ``held`` covers and ``kept`` does not, most calls first."""
    before, after = ScopeSet.of(held), ScopeSet.of(kept)
    texts = [text for text in required if _is_permission(text)]
    lost = [PermissionUse(text, required[text]) for text in after.missing(before.covered(texts))]
    return sorted(lost, key=lambda use: -required[use.permission].count)


def _parsed(held: Iterable[str]) -> dict[str, ScopeSet]:
    return {text: ScopeSet.of([text]) for text in held}


def _narrowest(held: Mapping[str, ScopeSet], required: str) -> list[str]:
    """Return the held permissions that cover the required one, and no narrower held one that does, too."""
    if not _is_permission(required):
        return []
    covering = [text for text, scope in held.items() if scope.allows(required)]
    return [text for text in covering if not any(_is_wider(held, text, other) for other in covering)]


def _is_wider(held: Mapping[str, ScopeSet], text: str, other: str) -> bool:
    return held[text].allows(other) and not held[other].allows(text)


def _is_permission(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
