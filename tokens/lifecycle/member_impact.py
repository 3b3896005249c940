"""What removing a member affects: tokens they are responsible for, clients they created, their sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Membership
from accounts.permissions.roles import Role
from tokens.listing.rows import Row, rows, tokens_of
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.excess import least_role
from tokens.service_accounts.impact import Impact, impacts, together
from tokens.sessions import sessions
from tokens.sessions.sessions import Session


@dataclass(frozen=True, slots=True)
class MemberImpact:
    """``tokens`` are the active ones, each after its parent, with their recent use.

    ``clients`` are those that the person created; ``responsible_for`` has those that they are responsible
    for, with the lowest role that holds all of their scopes.
    """

    tokens: list[tuple[Row, Impact]]
    clients: list[OAuthClient]
    sessions: list[Session]
    responsible_for: list[tuple[OAuthClient, Role]]

    @property
    def total(self) -> Impact:
        return together(impact for _, impact in self.tokens)

    @property
    def roots(self) -> dict[UUID, ServiceAccountToken]:
        """By id of each token, its topmost ancestor among ``tokens``, or the token itself."""
        mine = {row.token.pk: row.token for row, _ in self.tokens}
        return {pk: _lineage(token, mine)[0] for pk, token in mine.items()}

    @property
    def following(self) -> set[UUID]:
        """Ids of tokens and clients that are revoked or transferred with their parent in ``tokens``."""
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
        """Those of ``clients`` that do not end with one of ``tokens``."""
        ending = self.created_by_tokens
        return [one for one in self.clients if one not in ending]


def member_impact(member: Membership, now: datetime) -> MemberImpact:
    """Return the impact, in a constant number of queries."""
    active = tokens_of(member.organization).filter(responsible=member).active(now)
    found = _with_children_below(rows(active.with_people().order_by("-pk"), now))
    used = impacts(member.organization_id, {row.token.pk: row.usage for row in found}, now)
    clients = OAuthClient.objects.filter(
        organization=member.organization_id, created_by=member.user_id, deleted_at=None
    )
    responsible_for = OAuthClient.objects.filter(responsible=member, deleted_at=None).select_related("parent")
    here = sessions.active(member.user_id, now).filter(organization=member.organization_id)
    return MemberImpact(
        tokens=[(row, used[row.token.pk]) for row in found],
        clients=list(clients.select_related("parent").order_by("name")),
        sessions=sessions.with_last_use(here),
        responsible_for=[(one, least_role(one.scopes)) for one in responsible_for.order_by("name")],
    )


def _with_children_below(found: list[Row]) -> list[Row]:
    """Sort newest first, and each after its parent."""
    mine = {row.token.pk: row.token for row in found}
    return sorted(found, key=lambda row: [-one.pk.int for one in _lineage(row.token, mine)])


def _lineage(
    token: ServiceAccountToken, mine: Mapping[UUID, ServiceAccountToken]
) -> list[ServiceAccountToken]:
    """Return the token's ancestors among ``mine``, topmost first, and the token."""
    lineage = [token]
    while (parent_id := lineage[0].parent_id) is not None and parent_id in mine:
        lineage.insert(0, mine[parent_id])
    return lineage
