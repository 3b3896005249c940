"""Creation of a service-account token. All checks run under the organization's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.authorization import policies
from accounts.authorization.rights import authorization_of, check_permissions, require_running, unknown
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import Actor
from tokens.audit import token_events
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken
from tokens.notifications import token_created
from tokens.service_accounts import expiry, names, restrictions
from tokens.service_accounts.creators import creator_of
from tokens.service_accounts.new_secret import create_secret
from tokens.service_accounts.restrictions import Restrictions

IDEMPOTENCY_HOURS = 24
MANAGE = "tokens.manage"
NO_METADATA: Mapping[str, str] = MappingProxyType({})


class AlreadyCreated(Exception):
    """The same Idempotency-Key created ``token`` before. Its secret is not shown again."""

    def __init__(self, token: ServiceAccountToken) -> None:
        super().__init__(token.public_id)
        self.token = token


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and its plaintext, which exists here and in the response only."""

    token: ServiceAccountToken
    plaintext: str


@transaction.atomic
def issue(
    *,
    actor: Actor,
    name: str,
    permissions: Sequence[str],
    expires_in_days: int | None,
    description: str = "",
    metadata: Mapping[str, str] = NO_METADATA,
    allowed_addresses: Sequence[str] = (),
    requests_per_day: int | None = None,
    idempotency_key: str = "",
    now: datetime | None = None,
) -> Issued:
    """Create a token for the actor's organization. A token created by a program ends with that program.

    What a token creates is restricted as the token is, or more.

    Raises APIError: token_limit_reached; insufficient_scope if the actor lacks a requested permission;
    invalid_request with fields; token_revoked if the actor's rights have just ended; organization_suspended.
    Raises AlreadyCreated for a repeated idempotency key.
    """
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    policies.require_recent_proof(actor)
    try:
        organization = Organization.objects.locked(actor.organization_id)
    except Organization.DoesNotExist:
        raise APIError(errors.TOKEN_REVOKED) from None
    # Read after the lock, because waiting for it may take long.
    now = now or timezone.now()
    rights = authorization_of(actor, MANAGE)
    require_running(organization)
    digest = opaque.digest(idempotency_key) if idempotency_key else None
    if digest and (earlier := _created_with(organization, digest, now)):
        raise AlreadyCreated(earlier)
    wanted, outer = Restrictions(allowed_addresses, requests_per_day), restrictions.of_actor(actor)
    _check_fields(organization, name, permissions, expires_in_days, now, wider=wanted.problems(outer))
    check_permissions(rights.scopes, permissions)
    _check_limit(organization, now)
    creator, bounded = creator_of(actor, now), wanted.within(outer)
    token = ServiceAccountToken.objects.create(
        organization=organization,
        name=name,
        description=description,
        permissions=list(dict.fromkeys(permissions)),
        metadata=dict(metadata),
        allowed_addresses=list(bounded.allowed_addresses),
        requests_per_day=bounded.requests_per_day,
        created_by=rights.member.user,
        responsible=rights.member,
        **creator.fields,
        created_at=now,
        expires_at=creator.bounded(now + timedelta(days=expires_in_days) if expires_in_days else None),
        idempotency_digest=digest,
    )
    _, plaintext = create_secret(token, actor, now)
    token_created.enqueue(token, actor, now)
    token_events.created(token, actor)
    return Issued(token, plaintext)


def _created_with(organization: Organization, digest: bytes, now: datetime) -> ServiceAccountToken | None:
    return (
        ServiceAccountToken.objects.filter(
            organization=organization,
            idempotency_digest=digest,
            created_at__gt=now - timedelta(hours=IDEMPOTENCY_HOURS),
        )
        .order_by("-created_at")
        .first()
    )


def _check_fields(
    organization: Organization,
    name: str,
    permissions: Sequence[str],
    days: int | None,
    now: datetime,
    *,
    wider: Mapping[str, list[str]],
) -> None:
    """Raise APIError(invalid_request) with all errors by field."""
    checked = {
        "name": [names.TAKEN] if names.is_taken(organization.pk, name, now) else [],
        "permissions": unknown(permissions),
        "expiresInDays": expiry.problems(organization, days),
        **wider,
    }
    if problems := {field: sentences for field, sentences in checked.items() if sentences}:
        raise APIError(errors.INVALID_REQUEST, fields=problems)


def _check_limit(organization: Organization, now: datetime) -> None:
    active = ServiceAccountToken.objects.filter(organization=organization).active(now)
    limit = settings.ACTIVE_TOKENS_PER_ORGANIZATION
    if active.count() >= limit:
        raise APIError(errors.TOKEN_LIMIT_REACHED, limit=limit)
