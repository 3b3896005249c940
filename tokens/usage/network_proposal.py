"""What a list of allowed addresses would have done to the calls of the last 30 days, by network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts.models import Organization
from accounts.validation import networks
from ratelimit.statistics import reports
from ratelimit.statistics.counts import Names, add_names
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.usage.token_usage import OTHER, Use, busiest_first

DAYS = 30
COUNTS = ("calls", "refused", "unclear")
# The networks of each program.
Calls = Mapping[UUID, Names]


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """A /24 or /48 that was called from, or OTHER.

    It is not known whether the lists refuse the ``unclear`` calls: they allow a part of the network, or the
    statistics do not name it.
    """

    network: str
    calls: int
    refused: int
    unclear: int
    last_seen_at: datetime

    @property
    def is_other(self) -> bool:
        return self.network == OTHER

    @property
    def admitted(self) -> int:
        return self.calls - self.refused - self.unclear


@dataclass(frozen=True, slots=True)
class Effect:
    """The busiest networks of the last DAYS days, all others together last, and the programs that called."""

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
    def unclear(self) -> int:
        return sum(one.unclear for one in self.networks)

    @property
    def admitted(self) -> int:
        return sum(one.admitted for one in self.networks)

    @property
    def proposal(self) -> list[str]:
        """A list that contains the busiest networks, as many as a list may have."""
        named = [one.network for one in self.networks if not one.is_other]
        return networks.normalized(named[: networks.MOST])


def calls_of_token(token: ServiceAccountToken, now: datetime) -> Calls:
    return _calls(token.organization_id, [token.pk], now)


def calls_of_programs(organization: Organization, now: datetime) -> Calls:
    """Return the calls of the organization's active tokens and OAuth clients."""
    tokens = ServiceAccountToken.objects.filter(organization=organization).active(now)
    running = Q(expires_at=None) | Q(expires_at__gt=now)
    clients = OAuthClient.objects.filter(running, organization=organization, deleted_at=None)
    programs = [*tokens.values_list("pk", flat=True), *clients.values_list("pk", flat=True)]
    return _calls(organization.pk, programs, now)


def effect(calls: Calls, *lists: Sequence[str]) -> Effect:
    """Return what the lists would have refused together. An empty list refuses nothing."""
    every: Names = {}
    for names in calls.values():
        add_names(every, names)
    seen = [_seen(use, lists) for use in busiest_first(every)]
    refused = {one.network for one in seen if one.refused}
    return Effect(
        networks=_shortened(seen),
        programs=sum(bool(names) for names in calls.values()),
        refused_programs=sum(not refused.isdisjoint(names) for names in calls.values()),
    )


def _calls(bucket: UUID, programs: Iterable[UUID], now: datetime) -> Calls:
    last = now.astimezone(UTC).date()
    found = reports.by_day(bucket, programs, last - timedelta(days=DAYS - 1), last, now=now)
    return {program: _together(day.networks for day in days.values()) for program, days in found.items()}


def _together(parts: Iterable[Names]) -> Names:
    found: Names = {}
    for names in parts:
        add_names(found, names)
    return found


def _shortened(seen: Sequence[SeenNetwork]) -> list[SeenNetwork]:
    """Return as many networks as a list may have, and all others together."""
    first, rest = seen[: networks.MOST], seen[networks.MOST :]
    if not rest:
        return [*first]
    calls, refused, unclear = (sum(getattr(one, name) for one in rest) for name in COUNTS)
    return [*first, SeenNetwork(OTHER, calls, refused, unclear, max(one.last_seen_at for one in rest))]


def _seen(use: Use, lists: Collection[Sequence[str]]) -> SeenNetwork:
    calls = use.seen.count
    refused = unclear = 0
    if use.is_other:
        unclear = calls if any(lists) else 0
    elif not all(networks.overlap(texts, use.name) for texts in lists):
        refused = calls
    elif any(networks.outside([use.name], texts) for texts in lists):
        unclear = calls
    return SeenNetwork(use.name, calls, refused, unclear, use.seen.last_at)
