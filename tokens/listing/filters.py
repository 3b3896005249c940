"""Filters and order of the list of tokens, as its address has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import TextChoices
from django.http import QueryDict

from tokens.service_accounts import pasted

LONGEST_QUERY = 100
TABS = {"active": "Active", "expired": "Expired", "revoked": "Revoked", "all": "All"}
COLUMNS = {"name": "Name", "created": "Created", "used": "Last used", "expires": "Expires"}
NEWEST = "-created"
# The orders with the words of the select box.
SORTS = {
    NEWEST: "Newest first",
    "created": "Oldest first",
    "name": "Name, A to Z",
    "-name": "Name, Z to A",
    "-used": "Last used, latest first",
    "used": "Last used, longest ago first",
    "expires": "Expires soonest",
    "-expires": "Expires last",
}


class Only(TextChoices):
    """What the list may be limited to; several of them limit it to tokens with all of them."""

    MINE = "mine", "Created by me"
    UNUSED = "unused", "Unused"
    NO_EXPIRY = "no-expiry", "No expiry"
    BROAD = "broad", "Broad"


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters from the query string. An invalid value is replaced by the default."""

    status: str = "active"
    query: str = ""
    sort: str = NEWEST
    only: tuple[Only, ...] = ()

    @classmethod
    def of(cls, parameters: QueryDict) -> Filters:
        status, sort = parameters.get("status", ""), parameters.get("sort", "")
        query = parameters.get("q", "").strip()[:LONGEST_QUERY]
        wanted = parameters.getlist("only")
        return cls(
            status=status if status in TABS else "active",
            query="" if pasted.is_part_of_secret(query) else query,
            sort=sort if sort in SORTS else NEWEST,
            only=tuple(one for one in Only if one in wanted),
        )

    @property
    def are_set(self) -> bool:
        """Whether they leave out tokens of the tab."""
        return bool(self.query or self.only)

    @property
    def cleared(self) -> str:
        """The query string of the same tab and order without filters."""
        return self.address(query="", only=())

    def address(self, **changes: Any) -> str:
        """Return the query string of these filters with some of them replaced, or ``?`` for the defaults."""
        wanted = replace(self, **changes)
        pairs: list[tuple[str, str]] = []
        if wanted.status != "active":
            pairs.append(("status", wanted.status))
        if wanted.query:
            pairs.append(("q", wanted.query))
        pairs += [("only", one.value) for one in wanted.only]
        if wanted.sort != NEWEST:
            pairs.append(("sort", wanted.sort))
        return f"?{urlencode(pairs)}"

    def without(self, only: Only) -> str:
        """Return the query string without one of the limits."""
        return self.address(only=tuple(one for one in self.only if one != only))
