"""Scopes ``{resource}:{action}:{identifier}``: grammar, coverage, and a granted set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

ANY = "*"
MAX_LENGTH = 200
SEGMENT = r"(?:[A-Za-z0-9_-]+|\*)"
COLONS = re.compile(rf"({SEGMENT}):({SEGMENT}):({SEGMENT})", re.ASCII)
DOTTED = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
# Either form, for the OpenAPI document.
PATTERN = f"^({COLONS.pattern}|{DOTTED.pattern})$"

# Each action, with the actions that include it on the same resource and identifier.
IMPLIED_BY: dict[str, tuple[str, ...]] = {
    "read": ("read", "write", "admin"),
    "write": ("write", "admin"),
    "view": ("view", "manage"),
}


class Scope(NamedTuple):
    resource: str
    action: str
    identifier: str

    def __str__(self) -> str:
        return ":".join(self)


@lru_cache(maxsize=4096)
def parse(text: str) -> Scope:
    """Read either form; raise ValueError on anything else. ``a.b`` is ``a:b:*``."""
    if len(text) <= MAX_LENGTH:
        if found := COLONS.fullmatch(text):
            return Scope(found[1], found[2], found[3])
        if found := DOTTED.fullmatch(text):
            return Scope(found[1], found[2], ANY)
    raise ValueError("A permission looks like resource:action:identifier or resource.action.")


def covers(granted: Scope, wanted: Scope) -> bool:
    """Whether holding ``granted`` is enough for ``wanted``, segment by segment."""
    return (
        granted.resource in (ANY, wanted.resource)
        and granted.identifier in (ANY, wanted.identifier)
        and (granted.action == ANY or granted.action in IMPLIED_BY.get(wanted.action, (wanted.action,)))
    )


@dataclass(frozen=True, slots=True)
class ScopeSet:
    """A frozen set of granted scopes: ``texts`` as they were granted, and whether they allow a scope."""

    texts: tuple[str, ...]
    parsed: frozenset[Scope] = field(compare=False)

    @classmethod
    def of(cls, texts: Iterable[str]) -> ScopeSet:
        kept = tuple(dict.fromkeys(texts))
        return cls(kept, frozenset(map(parse, kept)))

    def allows(self, wanted: str) -> bool:
        scope = parse(wanted)
        return scope in self.parsed or any(covers(granted, scope) for granted in self.parsed)

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Return those of ``wanted`` that are not covered, in their order."""
        return [text for text in wanted if not self.allows(text)]

    def covered(self, wanted: Iterable[str]) -> list[str]:
        """Return those of ``wanted`` that are covered, in their order."""
        return [text for text in wanted if self.allows(text)]


NOTHING = ScopeSet.of(())
