"""Marks on valid token secrets that are known to a person or a program that has lost access.

The caller holds the organizations' locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership, User
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from tokens.audit import token_events
from tokens.models import ServiceAccountToken, TokenSecret, TokenSecretQuerySet
from tokens.notifications import transfer_emails


def mark_shown(secrets: TokenSecretQuerySet, user: User, actor: Actor) -> None:
    """Mark the unmarked secrets of tokens that others are responsible for, and mail the owners."""
    now = timezone.now()
    others = _unmarked(secrets, now).exclude(token__responsible__user=user)
    _mark(list(others), user.display_name, actor, now, former=user)


def mark_requested(secrets: TokenSecretQuerySet, actor: Actor, now: datetime | None = None) -> None:
    """Mark unmarked secrets with the names of the programs that requested them, and mail the owners."""
    now = now or timezone.now()
    known: dict[str, list[TokenSecret]] = {}
    for secret in _unmarked(secrets, now).select_related("parent", "parent_client"):
        known.setdefault(secret.program.name if secret.program else "", []).append(secret)
    for name, chosen in known.items():
        _mark(chosen, name, actor, now)


def _unmarked(secrets: TokenSecretQuerySet, now: datetime) -> TokenSecretQuerySet:
    """Filter the valid, unmarked secrets of active tokens."""
    active = ServiceAccountToken.objects.filter(organization__deleted_at=None).active(now)
    unmarked = secrets.valid(now).filter(known_since=None, token__in=active)
    return unmarked.select_related("token__organization").order_by("pk")


def _mark(
    known: Sequence[TokenSecret], name: str, actor: Actor, now: datetime, former: User | None = None
) -> None:
    """Mark the secrets, record it, and mail the owners except ``former``."""
    TokenSecret.objects.filter(pk__in=[secret.pk for secret in known]).update(known_to=name, known_since=now)
    tokens: dict[UUID, list[ServiceAccountToken]] = {}
    for secret in known:
        token_events.secret_known(secret, actor, name)
        tokens.setdefault(secret.token.organization_id, []).append(secret.token)
    for organization_id, chosen in tokens.items():
        owners = Membership.objects.active().filter(organization=organization_id, role=Role.OWNER)
        email = transfer_emails.known_tokens(chosen, name)
        addresses = owners.exclude(user__in=[former] if former else []).values_list("user__email", flat=True)
        outbox.enqueue(email, *addresses)
