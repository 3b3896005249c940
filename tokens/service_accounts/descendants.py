"""Everything that a token created, directly or by what it created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from accounts.permissions.actor import Actor
from tokens.models import ClientSecret, OAuthClient, ServiceAccountToken
from tokens.service_accounts.revoke import while_valid

Row = TypeVar("Row", bound=Model)
PROGRAMS = ("service_account", "client")


@dataclass(frozen=True, slots=True)
class Descendants:
    """Tokens, OAuth clients and client secrets that have not ended.

    ``created`` filters rows of any kind by their parents. A client is also a parent if a descendant knows
    one of its secrets: of what the client creates while that secret is valid.
    """

    created: Q
    tokens: Sequence[ServiceAccountToken]
    clients: Sequence[OAuthClient]
    secrets: Sequence[ClientSecret]


def descendants(token: ServiceAccountToken, now: datetime) -> Descendants:
    """Return what the token created, read under the organization's lock."""
    running = Q(expires_at=None) | Q(expires_at__gt=now)
    tokens: dict[UUID, ServiceAccountToken] = {}
    clients: dict[UUID, OAuthClient] = {}
    secrets: dict[UUID, ClientSecret] = {}
    created = new = Q(parent_id=token.pk)
    while new:
        known = new & running
        new = _created_by(
            _added(ServiceAccountToken.objects.filter(known, revoked_at=None), tokens),
            _added(OAuthClient.objects.filter(known, deleted_at=None), clients),
            _added(ClientSecret.objects.filter(known).select_related("client"), secrets),
        )
        created |= new
    return Descendants(created, [*tokens.values()], [*clients.values()], [*secrets.values()])


def is_of(token: ServiceAccountToken, actor: Actor, now: datetime) -> bool:
    """Return whether the actor is the token, or a program that the token created or has a secret of."""
    if actor.type not in PROGRAMS:
        return False
    found = descendants(token, now)
    programs = [token, *found.tokens, *found.clients, *(secret.client for secret in found.secrets)]
    return actor.id in {one.pk for one in programs}


def _added(rows: QuerySet[Row], found: dict[UUID, Row]) -> list[Row]:
    """Add the rows that are not yet in ``found`` to it, and return them."""
    added = list(rows.exclude(pk__in=found).order_by("pk"))
    found.update((row.pk, row) for row in added)
    return added


def _created_by(
    tokens: Sequence[ServiceAccountToken], clients: Sequence[OAuthClient], secrets: Sequence[ClientSecret]
) -> Q:
    """Return the filter of what these created, which is empty if there are none."""
    parents = [
        *(Q(parent_id=token.pk) for token in tokens),
        *(Q(parent_client_id=client.pk) for client in clients),
        *(Q(parent_client_id=secret.client_id) & while_valid(secret) for secret in secrets),
    ]
    return reduce(or_, parents, Q())
