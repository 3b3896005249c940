"""Filters and order of the list of tokens, as its address has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tokens.service_accounts import pasted

LONGEST_QUERY = 100
TABS = {"active": "Active", "expired": "Expired", "revoked": "Revoked", "all": "All"}
COLUMNS = {"name": "Name", "created": "Created", "used": "Last used", "expires": "Expires"}
NEWEST = "-created"


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters from the query string. An invalid value is replaced by the default."""

    status: str = "active"
    query: str = ""
    sort: str = NEWEST

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Filters:
        status, sort = parameters.get("status", ""), parameters.get("sort", "")
        query = parameters.get("q", "").strip()[:LONGEST_QUERY]
        return cls(
            status=status if status in TABS else "active",
            query="" if pasted.is_part_of_secret(query) else query,
            sort=sort if sort.removeprefix("-") in COLUMNS else NEWEST,
        )
