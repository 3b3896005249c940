"""Rotation of a token's secret: two secrets are valid while the overlap lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import errors, typeid
from accounts.audit import log
from accounts.authorization import policies
from accounts.authorization.rights import Authorization, authorization_of, require_running
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import Actor
from accounts.permissions.required import record, require
from accounts.permissions.scopes import ScopeSet
from ratelimit.usage import keys
from tokens.audit import token_events
from tokens.crypto import opaque
from tokens.models import OVERLAP_SECONDS, ServiceAccountToken, TokenSecret
from tokens.notifications import token_expiring, token_rotated
from tokens.service_accounts import creators, rotation_checks
from tokens.service_accounts.bounds import bound_descendants
from tokens.service_accounts.descendants import is_of
from tokens.service_accounts.issue import IDEMPOTENCY_HOURS, MANAGE, AlreadyCreated, Issued
from tokens.service_accounts.new_secret import create_secret
from tokens.service_accounts.rotation_checks import UNCHANGED, Unchanged

ROTATE_ITSELF = "tokens:rotate:self"
OWN_ROTATION = "A token cannot cancel its own rotation, nor can a program that it created."


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation whose overlap lasts until ``ends_at``. The first use of ``current`` may shorten it."""

    started_at: datetime
    ends_at: datetime
    closes_after_first_use_seconds: int | None
    previous: TokenSecret
    current: TokenSecret


def running(token: ServiceAccountToken, now: datetime) -> Rotation | None:
    """Return the running rotation of an active or paused token, read ``with_people``."""
    if token.status(now).is_final:
        return None
    for one in token.secrets.all():
        if one.superseded_at and one.valid_until and one.valid_until > now and not one.revoked_at:
            new = token.current_secret
            closes = new.closes_previous_after_seconds
            return Rotation(one.superseded_at, one.valid_until, closes, previous=one, current=new)
    return None


def may_rotate_itself(actor: Actor, public_id: str) -> bool:
    """Return whether the actor is the token of that id, and may rotate itself."""
    if actor.type != "service_account" or actor.id is None:
        return False
    if typeid.encode("tok", actor.id) != public_id or not actor.allows(ROTATE_ITSELF):
        return False
    record([ROTATE_ITSELF])
    return True


@transaction.atomic
@log.batched()
def rotate(
    *,
    token: ServiceAccountToken,
    actor: Actor,
    overlap_seconds: int = OVERLAP_SECONDS,
    close_after_first_use_seconds: int | None = None,
    expires_in_days: int | Unchanged | None = UNCHANGED,
    idempotency_key: str = "",
    now: datetime | None = None,
) -> Issued:
    """Create the token's next secret. The present one stays valid for ``overlap_seconds``, or ends now at 0.

    With ``close_after_first_use_seconds`` it ends that long after the next one's first use, if sooner.
    ``expires_in_days`` starts a new expiry. Raises APIError: insufficient_scope if the actor, who learns the
    secret, lacks one of the token's permissions; token_not_active; rotation_in_progress; invalid_request with
    fields; organization_suspended; rate_limited. Raises AlreadyCreated for a repeated idempotency key.
    """
    policies.require_recent_proof(actor)
    token, rights = _locked(
        token, actor, ROTATE_ITSELF if may_rotate_itself(actor, token.public_id) else MANAGE
    )
    organization = rights.member.organization
    require_running(organization)
    now = now or timezone.now()
    digest = opaque.digest(idempotency_key) if idempotency_key else None
    if digest and _was_created_with(token, digest, now):
        raise AlreadyCreated(token)
    _check_state(token, rights.scopes, now)
    rotation_checks.fields(organization, overlap_seconds, close_after_first_use_seconds, expires_in_days)
    rotation_checks.count(token)
    expired_at = token.expires_at
    if not isinstance(expires_in_days, Unchanged):
        _renew(token, actor, expires_in_days, now)
    previous, until = token.current_secret, now + timedelta(seconds=overlap_seconds)
    if not previous.is_counted:
        keys.begin(token.organization_id, token.pk, previous.pk, now=now)
    _update(previous, superseded_at=now, valid_until=until, is_counted=True)
    closing = {"closes_previous_after_seconds": close_after_first_use_seconds, "is_counted": True}
    secret, plaintext = create_secret(token, actor, now, **closing, idempotency_digest=digest)
    Organization.objects.advance([token.organization_id])
    token_rotated.enqueue(token, actor, now, secret=secret, previous=previous, until=until)
    token_events.rotated(token, actor, expired_at, secret=secret, previous=previous, until=until)
    return Issued(_read(token), plaintext)


@transaction.atomic
def finish(*, token: ServiceAccountToken, actor: Actor, now: datetime | None = None) -> ServiceAccountToken:
    """End the overlap now, and return the token. Without a running rotation nothing changes."""
    token, _ = _locked(token, actor)
    now = now or timezone.now()
    found = running(token, now)
    if found is None:
        Organization.objects.confirm([token.organization_id])
        return token
    _update(found.previous, valid_until=now)
    Organization.objects.advance([token.organization_id])
    token_events.rotation_finished(token, actor, found.previous)
    return _read(token)


@transaction.atomic
def cancel(*, token: ServiceAccountToken, actor: Actor, now: datetime | None = None) -> ServiceAccountToken:
    """Revoke the new secret, and keep the previous one. A new expiry stays.

    Raises APIError: no_rotation; forbidden if the actor is the token or a program that it created, because
    the previous secret's holder would keep it by that. Raises ReauthenticationRequired.
    """
    policies.require_recent_proof(actor)
    token, _ = _locked(token, actor)
    now = now or timezone.now()
    found = running(token, now)
    if found is None:
        raise APIError(errors.NO_ROTATION)
    if is_of(token, actor, now):
        raise APIError(errors.FORBIDDEN, detail=OWN_ROTATION)
    _update(found.current, revoked_at=now)
    _update(found.previous, superseded_at=None, valid_until=None)
    Organization.objects.advance([token.organization_id])
    token_rotated.enqueue_cancellation(token, actor, now, secret=found.current, previous=found.previous)
    token_events.rotation_cancelled(token, actor, found.current)
    return _read(token)


def _locked(
    token: ServiceAccountToken, actor: Actor, wanted: str = MANAGE
) -> tuple[ServiceAccountToken, Authorization]:
    """Lock the organization, and read the token and the actor's rights, which must include ``wanted``."""
    Organization.objects.lock_all([token.organization_id])
    rights = authorization_of(actor, wanted)
    return _read(token), rights


def _read(token: ServiceAccountToken) -> ServiceAccountToken:
    found = ServiceAccountToken.objects.all().with_people().filter(pk=token.pk).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def _update(secret: TokenSecret, **values: datetime | bool | None) -> None:
    TokenSecret.objects.filter(pk=secret.pk).update(**values)
    for name, value in values.items():
        setattr(secret, name, value)


def _was_created_with(token: ServiceAccountToken, digest: bytes, now: datetime) -> bool:
    since = now - timedelta(hours=IDEMPOTENCY_HOURS)
    return TokenSecret.objects.filter(token=token, idempotency_digest=digest, created_at__gt=since).exists()


def _check_state(token: ServiceAccountToken, held: ScopeSet, now: datetime) -> None:
    """Raise APIError unless the token may be rotated, by an actor with these scopes."""
    require(held, token.permissions)
    if token.status(now).is_final:
        raise APIError(errors.TOKEN_NOT_ACTIVE)
    if running(token, now):
        raise APIError(errors.ROTATION_IN_PROGRESS)


def _renew(token: ServiceAccountToken, actor: Actor, days: int | None, now: datetime) -> None:
    """Start a new expiry, no later than the end of the program that created the token or that rotates it.

    What the token created ends with it at the latest.
    """
    requested = now + timedelta(days=days) if days else None
    token.expires_at = creators.earlier(requested, creators.end_of_renewal(token, actor, now))
    token.renewed_at = now
    token.save(update_fields=["expires_at", "renewed_at"])
    token_expiring.forget(token)
    bound_descendants(token, actor=actor, now=now)
