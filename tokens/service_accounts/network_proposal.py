"""What a list of allowed addresses would have done to the calls of the last 30 days.

Of each UTC day only the last address of a program is known, and all calls of the day count as its calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import Organization
from accounts.validation import networks
from ratelimit.usage import reports
from ratelimit.usage.reports import RecentAddress
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.networks import by_network

DAYS = 30
Calls = Mapping[UUID, Sequence[RecentAddress]]


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """A network that was called from: one address, or a /24 or /48 with several of them."""

    network: str
    calls: int
    refused: int
    last_used_on: date

    @property
    def admitted(self) -> int:
        return self.calls - self.refused


@dataclass(frozen=True, slots=True)
class Effect:
    """The networks of the last DAYS days, busiest first, and the number of programs that called."""

    networks: Sequence[SeenNetwork]
    programs: int
    refused_programs: int

    @property
    def calls(self) -> int:
        return sum(one.calls for one in self.networks)

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self.networks)

    @property
    def admitted(self) -> int:
        return self.calls - self.refused

    @property
    def proposal(self) -> list[str]:
        """A list that contains the busiest networks, as many as a list may have."""
        return networks.normalized([one.network for one in self.networks[: networks.MOST]])


def calls_of_token(token: ServiceAccountToken, now: datetime) -> Calls:
    return reports.recent_addresses(token.organization_id, [token.pk], DAYS, now=now)


def calls_of_programs(organization: Organization, now: datetime) -> Calls:
    """Return the calls of the organization's active tokens and OAuth clients."""
    tokens = ServiceAccountToken.objects.filter(organization=organization).active(now)
    running = Q(expires_at=None) | Q(expires_at__gt=now)
    clients = OAuthClient.objects.filter(running, organization=organization, deleted_at=None)
    programs = [*tokens.values_list("pk", flat=True), *clients.values_list("pk", flat=True)]
    return reports.recent_addresses(organization.pk, programs, DAYS, now=now)


def effect(calls: Calls, *lists: Collection[str]) -> Effect:
    """Return what the lists would have refused together. An empty list refuses nothing."""
    every = by_network(one for days in calls.values() for one in days)
    found = [_seen(network, days, lists) for network, days in every.items()]
    return Effect(
        networks=sorted(found, key=lambda one: (-one.calls, one.network)),
        programs=sum(bool(days) for days in calls.values()),
        refused_programs=sum(any(_is_refused(one, lists) for one in days) for days in calls.values()),
    )


def _seen(network: str, days: Sequence[RecentAddress], lists: Sequence[Collection[str]]) -> SeenNetwork:
    addresses = {one.address for one in days}
    return SeenNetwork(
        network=addresses.pop() if len(addresses) == 1 else network,
        calls=sum(one.calls for one in days),
        refused=sum(one.calls for one in days if _is_refused(one, lists)),
        last_used_on=max(one.day for one in days),
    )


def _is_refused(one: RecentAddress, lists: Sequence[Collection[str]]) -> bool:
    return not all(networks.contain(tuple(texts), one.address) for texts in lists)
