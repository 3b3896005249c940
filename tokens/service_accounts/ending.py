"""What ends when tokens and OAuth clients end: themselves, and the programs that they created."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.impact import Impact, impacts, together

Program = ServiceAccountToken | OAuthClient


@dataclass(frozen=True, slots=True)
class Ending:
    """``impacts`` has every program that ends; ``tokens`` and ``clients`` are those created by the others."""

    impacts: dict[UUID, Impact]
    tokens: list[tuple[ServiceAccountToken, Impact]]
    clients: list[tuple[OAuthClient, Impact]]

    @property
    def total(self) -> Impact:
        return together(self.impacts.values())


def ending(organization_id: UUID, used: Mapping[UUID, Usage], now: datetime) -> Ending:
    """Return what ends with the programs whose ``reports.totals`` are given by id.

    A constant number of round trips and queries for any number of programs, and two queries for each
    generation of created ones.
    """
    created: dict[UUID, Program] = {}
    parents = set(used)
    while parents:
        found = {one.pk: one for one in _created_by(organization_id, parents, now) if one.pk not in used}
        created |= found
        parents = set(found)
    everything = dict(used) | reports.totals(organization_id, created, now=now)
    found_impacts = impacts(organization_id, everything, now)
    return Ending(
        found_impacts,
        [(one, found_impacts[pk]) for pk, one in created.items() if isinstance(one, ServiceAccountToken)],
        [(one, found_impacts[pk]) for pk, one in created.items() if isinstance(one, OAuthClient)],
    )


def _created_by(organization_id: UUID, parents: Collection[UUID], now: datetime) -> list[Program]:
    """Return the active tokens and clients that these programs created, by name."""
    ours = Q(organization=organization_id) & (Q(parent__in=parents) | Q(parent_client__in=parents))
    tokens = ServiceAccountToken.objects.filter(ours).active(now).order_by("name", "pk")
    clients = OAuthClient.objects.filter(ours, deleted_at=None).order_by("name", "pk")
    return [*tokens, *clients]
