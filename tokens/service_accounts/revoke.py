"""Revocation of tokens and deletion of OAuth clients, together with everything they created."""

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
from tokens.audit import client_events, token_events
from tokens.grants import revocation
from tokens.models import ClientSecret, OAuthClient, ServiceAccountToken, TokenSecret
from tokens.service_accounts import known_secrets

PARENT_REVOKED = "The token that created it was revoked"
PARENT_DELETED = "The OAuth client that created it was deleted"
CLIENT_DELETED = "The client was deleted"


@transaction.atomic
def revoke(*, token: ServiceAccountToken, actor: Actor, reason: str = "") -> ServiceAccountToken:
    """Revoke one token, and return its row. A second call changes nothing.

    Raises APIError(not_found) if it was deleted with its organization.
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
    """Revoke tokens of any organizations. Returns the number of those that were not revoked before."""
    chosen = dict(tokens.values_list("pk", "organization_id"))
    Organization.objects.lock_all(chosen.values())
    revoked = stop(ServiceAccountToken.objects.filter(pk__in=chosen), actor=actor, reason=reason)
    # Some may have been revoked before by a call whose confirmation was lost.
    Organization.objects.confirm(chosen.values())
    return revoked


@log.batched()
def stop(
    tokens: QuerySet[ServiceAccountToken],
    *,
    actor: Actor,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Revoke those not yet revoked, under the locks of their organizations. Returns their number.

    What they created ends with them and is not counted.
    """
    revoking = list(tokens.filter(revoked_at=None).only("id", "name", "organization_id").order_by("pk"))
    if not revoking:
        return 0
    # The clock of the server that created a token may be ahead of this one's: the constraint must still hold.
    moment = Greatest(F("created_at"), Value(now or timezone.now(), DateTimeField()))
    ServiceAccountToken.objects.filter(pk__in=[token.pk for token in revoking]).update(
        revoked_at=moment, revoked_by_id=actor.user_id, revoked_reason=reason[:200]
    )
    Organization.objects.advance(token.organization_id for token in revoking)
    token_events.revoked(revoking, actor, reason[:200])
    created = Q(parent_id__in=[token.pk for token in revoking])
    end_created(created, actor=actor, reason=PARENT_REVOKED, now=now)
    return len(revoking)


@log.batched()
def end_clients(
    clients: Sequence[OAuthClient], *, actor: Actor = SYSTEM, reason: str = "", now: datetime | None = None
) -> None:
    """Delete clients and revoke their grants, under the locks of their organizations."""
    now = now or timezone.now()
    running = OAuthClient.objects.filter(pk__in=[client.pk for client in clients], deleted_at=None)
    ending = list(running.order_by("pk"))
    # Before what they created, because two clients may have created secrets for each other.
    running.update(deleted_at=now)
    for client in ending:
        ended = revocation.revoke(client.grants.all(), reason=CLIENT_DELETED, now=now)
        client.secrets.all().delete()
        client_events.deleted(client, actor, ended, reason)
        end_created(Q(parent_client_id=client.pk), actor=actor, reason=PARENT_DELETED, now=now)
    # Even if no grant was revoked, because one may have been opened meanwhile.
    Organization.objects.advance(client.organization_id for client in clients)


def end_created(created: Q, *, actor: Actor, reason: str, now: datetime | None = None) -> None:
    """End what programs created: tokens, clients, secrets, invitations. ``created`` filters by parent.

    A secret of a token that they rotated is marked as known.
    """
    stop(ServiceAccountToken.objects.filter(created), actor=actor, reason=reason, now=now)
    if clients := list(OAuthClient.objects.filter(created, deleted_at=None)):
        end_clients(clients, actor=actor, reason=reason, now=now)
    invitations.withdraw(invitations=Invitation.objects.open().filter(created), actor=actor, now=now)
    secrets = ClientSecret.objects.filter(created).select_related("client").order_by("pk")
    end_secrets(list(secrets), actor=actor, reason=reason, now=now)
    # After what has ended, which needs no mark.
    known_secrets.mark_requested(TokenSecret.objects.filter(created), actor, now)


def end_secrets(
    secrets: Sequence[ClientSecret], *, actor: Actor, reason: str, now: datetime | None = None
) -> None:
    """End secrets that others know, and what the clients opened and created while they were valid."""
    ClientSecret.objects.filter(pk__in=[secret.pk for secret in secrets]).delete()
    for secret in secrets:
        meanwhile = while_valid(secret)
        ended = revocation.revoke(secret.client.grants.filter(meanwhile), reason=reason, now=now)
        client_events.secret_ended(secret, actor, ended, reason)
        created = Q(parent_client_id=secret.client_id) & meanwhile
        end_created(created, actor=actor, reason=reason, now=now)


def while_valid(secret: ClientSecret) -> Q:
    """Filter what was created while the secret was valid."""
    since = Q(created_at__gte=secret.created_at)
    return since if secret.valid_until is None else since & Q(created_at__lte=secret.valid_until)
