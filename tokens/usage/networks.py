"""Networks that programs were called from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts.validation.networks import network_of
from ratelimit.usage.reports import RecentAddress


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """A network (/24 or /48) of the last call of one or more UTC days, with all calls of these days."""

    network: str
    calls: int
    last_used_at: datetime

    @property
    def last_used_on(self) -> date:
        return self.last_used_at.astimezone(UTC).date()


def by_network(days: Iterable[RecentAddress]) -> dict[str, list[RecentAddress]]:
    found: dict[str, list[RecentAddress]] = defaultdict(list)
    for one in days:
        found[network_of(one.address)].append(one)
    return found


def networks_of(days: Iterable[RecentAddress]) -> list[NetworkUse]:
    """Group a program's addresses by network, the one with the most calls first."""
    uses = (
        NetworkUse(network, sum(one.calls for one in parts), max(one.last_used_at for one in parts))
        for network, parts in by_network(days).items()
    )
    return sorted(uses, key=lambda use: (-use.calls, use.network))
