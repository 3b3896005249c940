"""Making a service-account token: everything is checked under the organization's lock, then written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.catalogue import catalogue
from accounts.models import Membership, Organization
from accounts.scopes import ScopeSet, parse
from ratelimit import refusals
from ratelimit.refusals import Refused
from tokens import opaque
from tokens.credentials import Credential
from tokens.models import MAX_DAYS, ServiceAccountToken, TokenSecret
from tokens.standing import Standing, judge, row_of, scopes_of

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
    """Create a token for the actor's organization.

    Raises Refused: token_limit_reached, insufficient_scope where the actor does not hold what is
    asked, invalid_request with fields, token_revoked where the actor's rights have just ended;
    AlreadyCreated for a repeated idempotency key.
    """
    if actor.organization_id is None:
        raise Refused(refusals.TOKEN_REVOKED)
    try:
        organization = Organization.objects.locked(actor.organization_id)
    except Organization.DoesNotExist:
        raise Refused(refusals.TOKEN_REVOKED) from None
    # The wait for the lock may have been long, and what counts is who is active after it.
    now = now or timezone.now()
    member, scopes = current_rights(actor)
    digest = opaque.digest(idempotency_key) if idempotency_key else None
    if digest and (earlier := _made_with(organization, digest, now)):
        raise AlreadyCreated(earlier)
    check_permissions(scopes, permissions)
    _check_expiry(organization, expires_in_days)
    _check_room(organization, name, now)
    token = ServiceAccountToken.objects.create(
        organization=organization,
        name=name,
        description=description,
        permissions=list(dict.fromkeys(permissions)),
        created_by=member.user,
        responsible=member,
        created_at=now,
        expires_at=now + timedelta(days=expires_in_days) if expires_in_days else None,
        idempotency_digest=digest,
    )
    secret = opaque.new()
    TokenSecret.objects.create(
        token=token, digest=secret.digest, prefix=secret.prefix, last_four=secret.last_four, created_at=now
    )
    return Issued(token, secret.plaintext)


def current_rights(actor: Actor, wanted: str = MANAGE) -> tuple[Membership, ScopeSet]:
    """The member who answers for the actor and what it may, as of now: call under the organization's lock.

    Raises Refused where a removal, a revocation or a lowered role has won the race, and without ``wanted``.
    """
    if actor.membership_id is None or actor.organization_id is None:
        raise Refused(refusals.TOKEN_REVOKED)
    member = (
        Membership.objects.active()
        .filter(pk=actor.membership_id, organization_id=actor.organization_id)
        .select_related("user")
        .first()
    )
    if member is None and actor.type == "client":
        # The client lives on without the member who made it, but nobody answers for what it would make.
        raise Refused(refusals.FORBIDDEN, detail="The member who answers for this client has left.")
    if member is None:
        raise Refused(refusals.TOKEN_REVOKED)
    scopes = _own_scopes(actor, member)
    if not scopes.allows(wanted):
        raise Refused(refusals.INSUFFICIENT_SCOPE, required=[wanted])
    return member, scopes


def _own_scopes(actor: Actor, member: Membership) -> ScopeSet:
    """A person's are the member's; a program's are its own, never those of who answers for it."""
    if isinstance(actor, Credential) and actor.grant_id is not None:
        row = row_of(actor.grant_id)
        if row is None or judge(row, timezone.now()) is not Standing.GOOD:
            raise Refused(refusals.TOKEN_REVOKED)
        return scopes_of(row, actor.scopes.texts)
    if actor.type != "service_account":
        return member.scopes
    made_by = ServiceAccountToken.objects.filter(revoked_at=None)
    if actor.id is None or not made_by.filter(pk=actor.id).exists():
        raise Refused(refusals.TOKEN_REVOKED)
    return actor.scopes


def check_permissions(held: ScopeSet, permissions: Sequence[str], field: str = "permissions") -> None:
    """Nobody grants what they do not hold; raises Refused(insufficient_scope or invalid_request)."""
    if unknown := [text for text in permissions if not _is_known(text)]:
        raise Refused(
            refusals.INVALID_REQUEST,
            fields={field: [f"There is no permission {text}." for text in unknown]},
        )
    if missing := held.missing(permissions):
        raise Refused(refusals.INSUFFICIENT_SCOPE, required=missing)


def _is_known(text: str) -> bool:
    try:
        return catalogue().knows(parse(text))
    except ValueError:
        return False


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


def _check_expiry(organization: Organization, days: int | None) -> None:
    if days is None and not organization.never_expiring_allowed:
        sentence = "This organization's policy wants every token to expire."
        raise Refused(refusals.INVALID_REQUEST, fields={"expiresInDays": [sentence]})
    if days is not None and not 1 <= days <= MAX_DAYS:
        sentence = f"A token may live 1 to {MAX_DAYS} days."
        raise Refused(refusals.INVALID_REQUEST, fields={"expiresInDays": [sentence]})


def _check_room(organization: Organization, name: str, now: datetime) -> None:
    active = ServiceAccountToken.objects.filter(organization=organization).active(now)
    limit = settings.ACTIVE_TOKENS_PER_ORGANIZATION
    if active.count() >= limit:
        raise Refused(refusals.TOKEN_LIMIT_REACHED, limit=limit)
    if active.filter(name=name).exists():
        sentence = "An active token of this name exists already."
        raise Refused(refusals.INVALID_REQUEST, fields={"name": [sentence]})
