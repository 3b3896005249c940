"""Bounds of what a token created: no permission that the token lost, and no later end."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from accounts.audit import log
from accounts.authorization.acts import Act, permits
from accounts.authorization.rights import authorization_of
from accounts.members import invitations
from accounts.models import Invitation
from accounts.permissions.actor import Actor
from tokens.audit import client_events, token_events
from tokens.models import ClientSecret, Grant, OAuthClient, ServiceAccountToken
from tokens.service_accounts.creators import earlier
from tokens.service_accounts.descendants import Descendants, descendants
from tokens.service_accounts.revoke import end_clients, end_secrets, stop, while_valid

PARENT_NARROWED = "The token that created it lost these permissions"


@log.batched()
def bound_descendants(token: ServiceAccountToken, *, actor: Actor, now: datetime) -> None:
    """Remove the permissions that ``token`` lacks from what it created, which ends with it at the latest.

    A token or client without another permission ends. So does a secret of a client that holds more than the
    token. Open invitations that the token could no longer send are revoked. Call it under the organization's
    lock, in the transaction of the change.
    """
    _end_excess(token, descendants(token, now), actor, now)
    found = descendants(token, now)
    for child in found.tokens:
        _bound_token(child, token, actor, now)
    for client in found.clients:
        _bound_client(client, token, actor)
    if token.expires_at is not None:
        _end_by(token.expires_at, found)
    _withdraw_invitations(token, found, actor, now)


def _end_excess(token: ServiceAccountToken, found: Descendants, actor: Actor, now: datetime) -> None:
    held = token.scopes
    tokens = [child.pk for child in found.tokens if not held.covered(child.permissions)]
    stop(ServiceAccountToken.objects.filter(pk__in=tokens), actor=actor, reason=PARENT_NARROWED, now=now)
    clients = [client for client in found.clients if not held.covered(client.scopes)]
    if clients:
        end_clients(clients, actor=actor, reason=PARENT_NARROWED, now=now)
    # The clients that are descendants themselves are narrowed instead.
    narrowed = {client.pk for client in found.clients}
    others = [secret for secret in found.secrets if secret.client_id not in narrowed]
    excess = [secret for secret in others if held.missing(secret.client.scopes)]
    end_secrets(excess, actor=actor, reason=PARENT_NARROWED, now=now)


def _bound_token(child: ServiceAccountToken, token: ServiceAccountToken, actor: Actor, now: datetime) -> None:
    before = token_events.snapshot(child)
    child.permissions = token.scopes.covered(child.permissions)
    ends_at = earlier(child.expires_at, token.expires_at)
    if ends_at is not None and ends_at != child.expires_at:
        child.shorten(ends_at, now)
    child.save(update_fields=["permissions", "expires_at", "renewed_at"])
    token_events.updated(child, actor, before)


def _bound_client(client: OAuthClient, token: ServiceAccountToken, actor: Actor) -> None:
    before = client_events.snapshot(client)
    client.scopes = token.scopes.covered(client.scopes)
    client.save(update_fields=["scopes"])
    client_events.updated(client, actor, before)


def _end_by(ends_at: datetime, found: Descendants) -> None:
    """Set the expiry of clients, secrets and grants that would end later."""
    later = Q(expires_at=None) | Q(expires_at__gt=ends_at)
    OAuthClient.objects.filter(later, pk__in=[one.pk for one in found.clients]).update(expires_at=ends_at)
    ClientSecret.objects.filter(later, pk__in=[one.pk for one in found.secrets]).update(expires_at=ends_at)
    grants = Q(client__in=found.clients)
    for secret in found.secrets:
        grants |= Q(client=secret.client_id) & while_valid(secret)
    Grant.objects.filter(grants, later).update(expires_at=ends_at)


def _withdraw_invitations(
    token: ServiceAccountToken, found: Descendants, actor: Actor, now: datetime
) -> None:
    program = Actor(
        type="service_account",
        id=token.pk,
        name=token.name,
        organization_id=token.organization_id,
        membership_id=token.responsible_id,
        scopes=token.scopes,
    )
    rights = authorization_of(program)
    excess = [
        one.pk
        for one in Invitation.objects.open().filter(found.created)
        if not permits(rights, Act.INVITE, role=one.role)
    ]
    invitations.withdraw(invitations=Invitation.objects.filter(pk__in=excess), actor=actor, now=now)
