"""Making a service-account token: everything is checked under the organization's lock, then written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.authorization import policies
from accounts.authorization.rights import authorization_of, check_permissions, require_running, unknown
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.permissions.actor import Actor
from accounts.permissions.scopes import ScopeSet
from tokens.audit import tokens
from tokens.credentials.known_digests import announce
from tokens.crypto import opaque
from tokens.models import MAX_DAYS, ServiceAccountToken, TokenSecret
from tokens.notifications import token_created
from tokens.service_accounts import names
from tokens.service_accounts.creators import creator_of

IDEMPOTENCY_HOURS = 24
MANAGE = "tokens.manage"


class AlreadyCreated(Exception):
    """The same Idempotency-Key has made ``token`` before; its secret is not shown again."""

    def __init__(self, token: ServiceAccountToken) -> None:
        super().__init__(token.public_id)
        self.token = token


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and its plaintext, which exists here and in the one answer."""

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
    idempotency_key: str = "",
    now: datetime | None = None,
) -> Issued:
    """Create a token for the actor's organization. One that a program creates ends with the program.

    Raises APIError: token_limit_reached, insufficient_scope where the actor does not hold what is
    asked, invalid_request with fields, token_revoked where the actor's rights have just ended,
    organization_suspended; AlreadyCreated for a repeated idempotency key.
    """
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    policies.require_recent_proof(actor)
    try:
        organization = Organization.objects.locked(actor.organization_id)
    except Organization.DoesNotExist:
        raise APIError(errors.TOKEN_REVOKED) from None
    # The wait for the lock may have been long, and what counts is who is active after it.
    now = now or timezone.now()
    member, scopes = current_rights(actor)
    require_running(organization)
    digest = opaque.digest(idempotency_key) if idempotency_key else None
    if digest and (earlier := _made_with(organization, digest, now)):
        raise AlreadyCreated(earlier)
    _check_fields(organization, name, permissions, expires_in_days, now)
    check_permissions(scopes, permissions)
    _check_room(organization, now)
    creator = creator_of(actor, now)
    token = ServiceAccountToken.objects.create(
        organization=organization,
        name=name,
        description=description,
        permissions=list(dict.fromkeys(permissions)),
        created_by=member.user,
        responsible=member,
        **creator.fields,
        created_at=now,
        expires_at=creator.bounded(now + timedelta(days=expires_in_days) if expires_in_days else None),
        idempotency_digest=digest,
    )
    secret = opaque.new()
    TokenSecret.objects.create(
        token=token, digest=secret.digest, prefix=secret.prefix, last_four=secret.last_four, created_at=now
    )
    transaction.on_commit(partial(announce, secret.digest))
    token_created.enqueue(token, actor, now)
    tokens.created(token, actor)
    return Issued(token, secret.plaintext)


def current_rights(actor: Actor, wanted: str = MANAGE) -> tuple[Membership, ScopeSet]:
    """The member who answers for the actor and what it may, as of now: call under the organization's lock.

    Raises APIError where a removal, a revocation or a lowered role has won the race, and without ``wanted``.
    """
    rights = authorization_of(actor, wanted)
    return rights.member, rights.scopes


def _made_with(organization: Organization, digest: bytes, now: datetime) -> ServiceAccountToken | None:
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
    organization: Organization, name: str, permissions: Sequence[str], days: int | None, now: datetime
) -> None:
    """Raise APIError(invalid_request) with everything that is wrong, by field."""
    problems = {
        "name": [names.TAKEN] if names.is_taken(organization.pk, name, now) else [],
        "permissions": unknown(permissions),
        "expiresInDays": _expiry_problems(organization, days),
    }
    if found := {field: sentences for field, sentences in problems.items() if sentences}:
        raise APIError(errors.INVALID_REQUEST, fields=found)


def _expiry_problems(organization: Organization, days: int | None) -> list[str]:
    if days is None:
        allowed = organization.endless_tokens_allowed
        return [] if allowed else ["This organization's policy wants every token to expire."]
    longest = organization.longest_token_days
    if 1 <= days <= min(MAX_DAYS, longest or MAX_DAYS):
        return []
    whose = "By this organization's policy a" if longest else "A"
    return [f"{whose} token may live 1 to {longest or MAX_DAYS} days."]


def _check_room(organization: Organization, now: datetime) -> None:
    active = ServiceAccountToken.objects.filter(organization=organization).active(now)
    limit = settings.ACTIVE_TOKENS_PER_ORGANIZATION
    if active.count() >= limit:
        raise APIError(errors.TOKEN_LIMIT_REACHED, limit=limit)
