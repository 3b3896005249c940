"""Stopping tokens and OAuth clients, with what they created: at once, for good, with who, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Organization
from accounts.permissions.actor import SYSTEM, Actor
from tokens.audit import clients as client_trail
from tokens.audit import tokens as trail
from tokens.grants import engine
from tokens.models import ClientSecret, OAuthClient, ServiceAccountToken

PARENT_REVOKED = "The token that created it was revoked"
PARENT_DELETED = "The OAuth client that created it was deleted"
CLIENT_DELETED = "The client was deleted"


@transaction.atomic
def revoke(*, token: ServiceAccountToken, actor: Actor, reason: str = "") -> ServiceAccountToken:
    """Revoke one token; a second call changes nothing. Returns the row as it stands.

    Raises APIError(not_found) where it has been deleted with its organization.
    """
    Organization.objects.lock_all([token.organization_id])
    if not stop(ServiceAccountToken.objects.filter(pk=token.pk), actor=actor, reason=reason):
        Organization.objects.confirm([token.organization_id])
    found = ServiceAccountToken.objects.all().with_people().filter(pk=token.pk).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


@transaction.atomic
def revoke_many(*, tokens: QuerySet[ServiceAccountToken], actor: Actor, reason: str = "") -> int:
    """Revoke tokens of any organizations, whose locks are taken in the order of their ids."""
    chosen = dict(tokens.values_list("pk", "organization_id"))
    Organization.objects.lock_all(chosen.values())
    stopped = stop(ServiceAccountToken.objects.filter(pk__in=chosen), actor=actor, reason=reason)
    # Some may have been stopped before, by a call whose confirmation got lost.
    Organization.objects.confirm(chosen.values())
    return stopped


@log.batched()
def stop(
    tokens: QuerySet[ServiceAccountToken],
    *,
    actor: Actor,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Stamp those not yet revoked; the caller holds their organizations' locks. Returns how many.

    What they have created ends with them, and is not counted.
    """
    stopping = list(tokens.filter(revoked_at=None).only("id", "name", "organization_id").order_by("pk"))
    if not stopping:
        return 0
    # The clock of the server that made a token may be ahead of this one's, and the stop must not fail.
    moment = Greatest(F("created_at"), Value(now or timezone.now(), DateTimeField()))
    ServiceAccountToken.objects.filter(pk__in=[token.pk for token in stopping]).update(
        revoked_at=moment, revoked_by_id=actor.user_id, revoked_reason=reason[:200]
    )
    Organization.objects.advance(token.organization_id for token in stopping)
    trail.revoked(stopping, actor, reason[:200])
    created = Q(parent_id__in=[token.pk for token in stopping])
    end_created(created, actor=actor, reason=PARENT_REVOKED, now=now)
    return len(stopping)


@log.batched()
def end_clients(
    clients: Sequence[OAuthClient], *, actor: Actor = SYSTEM, reason: str = "", now: datetime | None = None
) -> None:
    """Delete clients whose organizations' locks the caller holds."""
    now = now or timezone.now()
    running = OAuthClient.objects.filter(pk__in=[client.pk for client in clients], deleted_at=None)
    ending = list(running.order_by("pk"))
    # Before what they created: two clients may have given each other secrets.
    running.update(deleted_at=now)
    for client in ending:
        ended = engine.revoke(client.grants.all(), reason=CLIENT_DELETED, now=now)
        client.secrets.all().delete()
        client_trail.deleted(client, actor, ended, reason)
        end_created(Q(parent_client_id=client.pk), actor=actor, reason=PARENT_DELETED, now=now)
    # Also where no grant has ended: one may have been opened meanwhile, and a repetition tells again.
    Organization.objects.advance(client.organization_id for client in clients)


def end_created(created: Q, *, actor: Actor, reason: str, now: datetime | None = None) -> None:
    """End what programs created: tokens, clients, secrets, invitations. ``created`` names the parents."""
    stop(ServiceAccountToken.objects.filter(created), actor=actor, reason=reason, now=now)
    if clients := list(OAuthClient.objects.filter(created, deleted_at=None)):
        end_clients(clients, actor=actor, reason=reason, now=now)
    invitations.withdraw(invitations=Invitation.objects.open().filter(created), actor=actor, now=now)
    secrets = list(ClientSecret.objects.filter(created).select_related("client").order_by("pk"))
    ClientSecret.objects.filter(pk__in=[secret.pk for secret in secrets]).delete()
    for secret in secrets:
        _end_opened_by(secret, actor=actor, reason=reason, now=now)


def _end_opened_by(secret: ClientSecret, *, actor: Actor, reason: str, now: datetime | None) -> None:
    """Whoever knew the secret was the client while it was good: what the client did meanwhile ends."""
    meanwhile = Q(created_at__gte=secret.created_at)
    if secret.valid_until is not None:
        meanwhile &= Q(created_at__lte=secret.valid_until)
    ended = engine.revoke(secret.client.grants.filter(meanwhile), reason=reason, now=now)
    client_trail.secret_ended(secret, actor, ended, reason)
    created = Q(parent_client_id=secret.client_id) & meanwhile
    end_created(created, actor=actor, reason=reason, now=now)
