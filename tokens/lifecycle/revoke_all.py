"""The end of everything that an organization's credentials may do, in one transaction."""

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
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Organization
from accounts.permissions.actor import Actor
from tokens.grants import engine
from tokens.models import ClientSecret, Grant, GrantKind, ServiceAccountToken
from tokens.service_accounts.issue import current_rights
from tokens.service_accounts.revoke import stop

MANAGE = "organization.manage"
REASON = "All credentials of the organization were revoked"


@dataclass(frozen=True, slots=True)
class Revoked:
    """How many of each kind ended."""

    tokens: int
    client_secrets: int
    client_grants: int
    sessions: int
    invitations: int


@transaction.atomic
@log.batched()
def revoke_all(*, actor: Actor) -> Revoked:
    """End what opens the actor's organization, their own credential included: see ``Revoked``.

    Clients and members stay: a client gets a new secret by rotation, a member signs in again. Raises APIError
    where the actor's right to do so has just ended.
    """
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    policies.require_recent_proof(actor)
    Organization.objects.lock_all([actor.organization_id])
    current_rights(actor, MANAGE)
    now = timezone.now()
    found = families(actor.organization_id)
    secrets = ClientSecret.objects.filter(client__organization=actor.organization_id)
    pending = Invitation.objects.filter(organization=actor.organization_id)
    revoked = Revoked(
        client_secrets=secrets.delete()[0],
        client_grants=engine.revoke(found.filter(kind=GrantKind.CLIENT), reason=REASON, now=now),
        sessions=engine.revoke(found.exclude(kind=GrantKind.CLIENT), reason=REASON, now=now),
        invitations=invitations.withdraw(invitations=pending, actor=actor, now=now),
        # Last, because what they created ends with them, and is counted above.
        tokens=stop(running_tokens(actor.organization_id, now), actor=actor, reason=REASON, now=now),
    )
    # Also where nothing has ended: a repetition tells every worker again.
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
    """Those that neither were revoked nor have expired."""
    tokens = ServiceAccountToken.objects.filter(organization=organization_id, revoked_at=None)
    return tokens.filter(Q(expires_at=None) | Q(expires_at__gt=now))


def families(organization_id: UUID) -> QuerySet[Grant]:
    """Everything that clients and people are signed in by."""
    return Grant.objects.filter(organization=organization_id)
