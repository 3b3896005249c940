"""Revocation of every credential of an organization, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import errors, typeid
from accounts.audit import log
from accounts.audit.log import Target
from accounts.authorization import policies
from accounts.authorization.rights import authorization_of
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Organization
from accounts.permissions.actor import Actor
from tokens.grants import revocation
from tokens.models import ClientSecret, Grant, GrantKind, ServiceAccountToken
from tokens.service_accounts.revoke import stop

MANAGE = "organization.manage"
REASON = "All credentials of the organization were revoked"


@dataclass(frozen=True, slots=True)
class Revoked:
    """Numbers of revoked credentials."""

    tokens: int
    client_secrets: int
    client_grants: int
    sessions: int
    invitations: int


@transaction.atomic
@log.batched()
def revoke_all(*, actor: Actor) -> Revoked:
    """Revoke every credential of the actor's organization, including the actor's own.

    Clients and members stay: a client gets a new secret by rotation, a member signs in again. Raises APIError
    if the actor's right to do so has just ended.
    """
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    policies.require_recent_proof(actor)
    Organization.objects.lock_all([actor.organization_id])
    authorization_of(actor, MANAGE)
    now = timezone.now()
    grants = grants_of(actor.organization_id)
    secrets = ClientSecret.objects.filter(client__organization=actor.organization_id)
    pending = Invitation.objects.filter(organization=actor.organization_id)
    revoked = Revoked(
        client_secrets=secrets.delete()[0],
        client_grants=revocation.revoke(grants.filter(kind=GrantKind.CLIENT), reason=REASON, now=now),
        sessions=revocation.revoke(grants.exclude(kind=GrantKind.CLIENT), reason=REASON, now=now),
        invitations=invitations.withdraw(invitations=pending, actor=actor, now=now),
        # Last, because what tokens created ends with them and is counted above.
        tokens=stop(running_tokens(actor.organization_id, now), actor=actor, reason=REASON, now=now),
    )
    # Even if nothing was revoked: a repeated call invalidates every cache again.
    Organization.objects.advance([actor.organization_id])
    log.record(
        organization_id=actor.organization_id,
        action="organization.revoked_all",
        actor=actor,
        target=Target("organization", typeid.encode("org", actor.organization_id), actor.organization_name),
        changes={
            "tokens": revoked.tokens,
            "clientSecrets": revoked.client_secrets,
            "clientGrants": revoked.client_grants,
            "sessions": revoked.sessions,
            "invitations": revoked.invitations,
        },
    )
    return revoked


def running_tokens(organization_id: UUID, now: datetime) -> QuerySet[ServiceAccountToken]:
    """Return the tokens that were not revoked and have not expired."""
    tokens = ServiceAccountToken.objects.filter(organization=organization_id, revoked_at=None)
    return tokens.filter(Q(expires_at=None) | Q(expires_at__gt=now))


def grants_of(organization_id: UUID) -> QuerySet[Grant]:
    """Return the grants of clients and people."""
    return Grant.objects.filter(organization=organization_id)
