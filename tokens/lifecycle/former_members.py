"""Secrets that former members know: marked until they are rotated, and mailed to the owners."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership, User
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from tokens.audit import client_events
from tokens.models import ClientSecret, OAuthClient, ServiceAccountToken, TokenSecret
from tokens.notifications import transfer_emails
from tokens.service_accounts import known_secrets


def mark_token(token: ServiceAccountToken, member: Membership) -> None:
    """Mark a token's secret as known to ``member``, when another member becomes responsible."""
    _mark(TokenSecret.objects.filter(token=token), member.user)


def mark_client(client: OAuthClient, member: Membership) -> None:
    """Mark a client's current secret, if the member was shown it."""
    _mark(_shown(member.user, [member.organization_id]).filter(client=client), member.user)


def mark_shown(user: User, organizations: Collection[UUID], actor: Actor) -> None:
    """Mark the secrets that were shown to a person who lost access, and mail the owners.

    The caller holds the organizations' locks.
    """
    tokens = TokenSecret.objects.filter(shown_to=user, token__organization__in=list(organizations))
    known_secrets.mark_shown(tokens, user, actor)
    _mark_clients(user, organizations, actor)


def _mark_clients(user: User, organizations: Collection[UUID], actor: Actor) -> None:
    secrets = _shown(user, organizations).select_related("client__organization").order_by("client_id")
    known: dict[UUID, list[OAuthClient]] = {}
    for secret in secrets:
        known.setdefault(secret.client.organization_id, []).append(secret.client)
    _mark(secrets, user)
    for organization_id, clients in known.items():
        owners = Membership.objects.active().filter(organization=organization_id, role=Role.OWNER)
        email = transfer_emails.known_clients(clients, user.display_name)
        outbox.enqueue(email, *owners.exclude(user=user).values_list("user__email", flat=True))
        for client in clients:
            client_events.known_to_former_member(client, actor, user.display_name)


def _shown(user: User, organizations: Collection[UUID]) -> QuerySet[ClientSecret]:
    """Return the unmarked current secrets of active clients that the person was shown."""
    return ClientSecret.objects.filter(
        shown_to=user,
        valid_until=None,
        known_since=None,
        client__organization__in=list(organizations),
        client__organization__deleted_at=None,
        client__deleted_at=None,
    )


def _mark(secrets: QuerySet[Any], user: User) -> None:
    """Mark unmarked secrets, so that the first person who knew it stays named."""
    pks = list(secrets.filter(known_since=None).values_list("pk", flat=True))
    secrets.model._default_manager.filter(pk__in=pks).update(
        known_to=user.display_name, known_since=timezone.now()
    )
