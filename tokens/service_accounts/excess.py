"""Tokens and OAuth clients that may do more than the member who is responsible for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Membership
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from tokens.models import OAuthClient, ServiceAccountToken


@dataclass(frozen=True, slots=True)
class Excess:
    """A credential with its permissions that the member does not hold."""

    credential: ServiceAccountToken | OAuthClient
    permissions: list[str]


@dataclass(frozen=True, slots=True)
class Exceeding:
    tokens: list[Excess]
    clients: list[Excess]


def exceeding(member: Membership, now: datetime) -> Exceeding:
    """Return the active credentials with permissions that the member no longer holds."""
    tokens = ServiceAccountToken.objects.filter(responsible=member).active(now).order_by("-pk")
    clients = OAuthClient.objects.filter(responsible=member, deleted_at=None).order_by("-pk")
    held = member.scopes
    return Exceeding(
        tokens=[Excess(one, found) for one in tokens if (found := held.missing(one.permissions))],
        clients=[Excess(one, found) for one in clients if (found := held.missing(one.scopes))],
    )


def least_role(permissions: list[str]) -> Role:
    """Return the lowest role that holds all of these."""
    return next(role for role in reversed(Role) if not role_scopes(role).missing(permissions))
