"""Marks on valid token secrets that are known to a person who has lost access."""

from __future__ import annotations

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
    """Mark the unmarked secrets of tokens that others are responsible for, and mail the owners.

    The caller holds the organizations' locks.
    """
    now = timezone.now()
    staying = ServiceAccountToken.objects.filter(organization__deleted_at=None).active(now)
    unmarked = secrets.valid(now).filter(known_since=None, token__in=staying.exclude(responsible__user=user))
    known = list(unmarked.select_related("token__organization").order_by("pk"))
    TokenSecret.objects.filter(pk__in=[secret.pk for secret in known]).update(
        known_to=user.display_name, known_since=now
    )
    tokens: dict[UUID, list[ServiceAccountToken]] = {}
    for secret in known:
        token_events.secret_known(secret, actor, user.display_name)
        tokens.setdefault(secret.token.organization_id, []).append(secret.token)
    for organization_id, chosen in tokens.items():
        owners = Membership.objects.active().filter(organization=organization_id, role=Role.OWNER)
        email = transfer_emails.known_tokens(chosen, user.display_name)
        outbox.enqueue(email, *owners.exclude(user=user).values_list("user__email", flat=True))
