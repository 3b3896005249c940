"""What hangs on a member: the tokens they answer for, the clients they made, their sessions here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.usage import reports
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.excess import least_role
from tokens.service_accounts.listing import Row, rows, tokens_of
from tokens.sessions import sessions
from tokens.sessions.sessions import Session


@dataclass(frozen=True, slots=True)
class Hanging:
    """``tokens`` are the active ones, each below its creator, with its calls of the last 24 hours.

    ``clients`` are those that the person created; those that they are responsible for come with the lowest
    role that holds all of their scopes.
    """

    tokens: list[tuple[Row, int]]
    clients: list[OAuthClient]
    sessions: list[Session]
    responsible_for: list[tuple[OAuthClient, Role]]

    @property
    def calls_24h(self) -> int:
        return sum(calls for _, calls in self.tokens)

    @property
    def roots(self) -> dict[UUID, ServiceAccountToken]:
        """By id of each of ``tokens``, the one of them that created it, directly or not; else itself."""
        mine = {row.token.pk: row.token for row, _ in self.tokens}
        return {pk: _lineage(token, mine)[0] for pk, token in mine.items()}

    @property
    def following(self) -> set[UUID]:
        """Tokens and clients that end, or are transferred, with the one of ``tokens`` that created them."""
        roots = self.roots
        clients = {client.pk for client, _ in self.responsible_for if client.parent_id in roots}
        return {pk for pk, root in roots.items() if root.pk != pk} | clients

    @property
    def created_by_tokens(self) -> list[OAuthClient]:
        """Those of ``clients`` that end with one of ``tokens``."""
        tokens = {row.token.pk for row, _ in self.tokens}
        return [one for one in self.clients if one.parent_id in tokens]

    @property
    def staying(self) -> list[OAuthClient]:
        ending = self.created_by_tokens
        return [one for one in self.clients if one not in ending]


def hanging_on(member: Membership, now: datetime) -> Hanging:
    """The same number of statements, however much it is."""
    active = tokens_of(member.organization).filter(responsible=member).active(now)
    found = _with_children_below(rows(active.with_people().order_by("-pk"), now))
    calls = reports.last_24_hours(member.organization_id, [row.token.pk for row in found])
    clients = OAuthClient.objects.filter(
        organization=member.organization_id, created_by=member.user_id, deleted_at=None
    )
    responsible_for = OAuthClient.objects.filter(responsible=member, deleted_at=None).select_related("parent")
    here = sessions.living(member.user_id, now).filter(organization=member.organization_id)
    return Hanging(
        tokens=[(row, calls.get(row.token.pk, 0)) for row in found],
        clients=list(clients.select_related("parent").order_by("name")),
        sessions=sessions.told(here),
        responsible_for=[(one, least_role(one.scopes)) for one in responsible_for.order_by("name")],
    )


def _with_children_below(found: list[Row]) -> list[Row]:
    """Newest first, and each below the one that created it."""
    mine = {row.token.pk: row.token for row in found}
    return sorted(found, key=lambda row: [-one.pk.int for one in _lineage(row.token, mine)])


def _lineage(
    token: ServiceAccountToken, mine: Mapping[UUID, ServiceAccountToken]
) -> list[ServiceAccountToken]:
    """The token, after the one of ``mine`` that created it, and so on."""
    line = [token]
    while (parent_id := line[0].parent_id) is not None and parent_id in mine:
        line.insert(0, mine[parent_id])
    return line
