"""The one grant engine under every front door: families are opened, rotated and ended here, without HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import ids
from accounts.models import Membership, User
from accounts.scopes import ScopeSet
from tokens import opaque, signed
from tokens.models import Grant, GrantKind, OAuthClient, RefreshToken
from tokens.standing import Standing, standing_of

DASHBOARD = "tessera-dashboard"
REFRESH_PREFIX = "tsr_rt_"


class InvalidGrant(Exception):
    """RFC 6749 section 5.2, invalid_grant; the sentence is for people and gives no secret away."""


class InvalidScope(Exception):
    """More was asked for than the grant holds."""


class ReuseDetected(InvalidGrant):
    """A spent refresh token came back; its family has been revoked."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a front door hands out; ``expires_in`` is in seconds, ``scope`` what the access token holds."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: tuple[str, ...]
    grant: Grant


@transaction.atomic
def open_for_member(
    *,
    membership: Membership,
    kind: GrantKind,
    verified_password: str | None = None,
    user_agent: str = "",
    address: str | None = None,
    now: datetime | None = None,
) -> Tokens:
    """Start a person's family. ``verified_password`` is the stored hash that was checked before.

    Raises InvalidGrant where the password was changed, or the person or membership ended, meanwhile.
    """
    now = now or timezone.now()
    user = User.objects.select_for_update(no_key=True).get(pk=membership.user_id)
    if verified_password is not None and user.password != verified_password:
        raise InvalidGrant("The password was changed meanwhile.")
    grant = Grant.objects.create(
        kind=kind,
        organization_id=membership.organization_id,
        user=user,
        membership_id=membership.pk,
        password_version=user.password_version,
        created_at=now,
        expires_at=now + timedelta(days=settings.GRANT_MAX_DAYS),
        user_agent=user_agent[:300],
        address=address,
    )
    return _hand_out(grant, _new_refresh_token(grant, 1, now), None, now)


@transaction.atomic
def open_for_client(
    *, client: OAuthClient, scope: Sequence[str] | None, address: str | None = None, now: datetime | None = None
) -> Tokens:
    """Start a client's family (RFC 6749 section 4.4); raises InvalidScope beyond the client's own."""
    now = now or timezone.now()
    if scope and client.scope_set.missing(scope):
        raise InvalidScope("The client may not have this scope.")
    grant = Grant.objects.create(
        kind=GrantKind.CLIENT,
        organization_id=client.organization_id,
        client=client,
        scope=list(scope or client.scopes),
        created_at=now,
        expires_at=now + timedelta(days=settings.GRANT_MAX_DAYS),
        address=address,
    )
    return _hand_out(grant, _new_refresh_token(grant, 1, now), None, now)


def rotate(
    raw: str,
    *,
    kinds: Sequence[GrantKind],
    client: OAuthClient | None = None,
    scope: Sequence[str] | None = None,
    now: datetime | None = None,
) -> Tokens:
    """Exchange a refresh token for its successor, exactly once under any concurrency.

    A retry within REFRESH_GRACE_SECONDS gets the same successor while that is unused; any other
    second use revokes the family and raises ReuseDetected, after the revocation has committed.
    Another client's token, or another door's, raises InvalidGrant and changes nothing.
    """
    now = now or timezone.now()
    if not looks_real(raw):
        raise InvalidGrant("The refresh token is not valid.")
    with transaction.atomic():
        outcome = _rotate(raw, kinds, client, scope, now)
    if isinstance(outcome, InvalidGrant):
        raise outcome
    return outcome


def revoke(grants: QuerySet[Grant], *, reason: str, now: datetime | None = None) -> int:
    """End the families among ``grants`` that still live; returns how many."""
    return grants.filter(revoked_at=None).update(
        revoked_at=now or timezone.now(), revoked_reason=reason[:100]
    )


def looks_real(raw: str) -> bool:
    return (
        raw.startswith(REFRESH_PREFIX)
        and len(raw) == len(REFRESH_PREFIX) + opaque.PREFIXED_LENGTH
        and raw.isascii()
        and raw[len(REFRESH_PREFIX) :].isalnum()
    )


def find_refresh_token(raw: str) -> RefreshToken | None:
    """The row of a refresh token, spent or not; None for anything else."""
    if not looks_real(raw):
        return None
    return RefreshToken.objects.filter(digest=opaque.digest(raw)).select_related("grant").first()


def _rotate(
    raw: str,
    kinds: Sequence[GrantKind],
    client: OAuthClient | None,
    scope: Sequence[str] | None,
    now: datetime,
) -> Tokens | InvalidGrant:
    token = find_refresh_token(raw)
    if token is None or token.grant.kind not in kinds:
        return InvalidGrant("The refresh token is not valid.")
    if token.grant.client_id != (client.pk if client else None):
        return InvalidGrant("The refresh token is not valid.")
    # The family's lock orders rotation against revocation; what is read from here on is true.
    grant = Grant.objects.select_for_update(no_key=True).get(pk=token.grant_id)
    if standing_of(grant.pk, now) is not Standing.GOOD:
        return InvalidGrant("The grant has ended.")
    narrowed = _narrow(grant, scope)
    spent = RefreshToken.objects.filter(pk=token.pk, used_at=None, expires_at__gt=now).update(used_at=now)
    if spent:
        successor = _new_refresh_token(grant, token.generation + 1, now)
        RefreshToken.objects.filter(pk=token.pk).update(successor=_seal(raw, successor))
        RefreshToken.objects.filter(grant=grant, generation=token.generation - 1).update(successor=None)
        return _hand_out(grant, successor, narrowed, now)
    token.refresh_from_db()
    if token.used_at is None:
        return InvalidGrant("The refresh token has expired.")
    if again := _retry(raw, token, now):
        return _hand_out(grant, again, narrowed, now)
    revoke(Grant.objects.filter(pk=grant.pk), reason="A spent refresh token was used again", now=now)
    return ReuseDetected("The refresh token was used before.")


def _retry(raw: str, token: RefreshToken, now: datetime) -> str | None:
    """The successor handed out before, for a client that lost the answer; None where that is over."""
    assert token.used_at is not None
    if now - token.used_at > timedelta(seconds=settings.REFRESH_GRACE_SECONDS) or token.successor is None:
        return None
    follower = RefreshToken.objects.filter(grant_id=token.grant_id, generation=token.generation + 1).first()
    if follower is None or follower.used_at is not None:
        return None
    return _unseal(raw, bytes(token.successor))


def _narrow(grant: Grant, scope: Sequence[str] | None) -> tuple[str, ...] | None:
    if scope is None:
        return None
    held = ScopeSet.of(grant.scope)
    if held.missing(scope):
        raise InvalidScope("The grant does not hold this scope.")
    return tuple(scope)


def _new_refresh_token(grant: Grant, generation: int, now: datetime) -> str:
    raw = REFRESH_PREFIX + opaque.random_text(opaque.PREFIXED_LENGTH)
    RefreshToken.objects.create(
        grant=grant,
        generation=generation,
        digest=opaque.digest(raw),
        created_at=now,
        expires_at=min(now + timedelta(days=settings.REFRESH_DAYS), grant.expires_at),
    )
    return raw


def _hand_out(grant: Grant, refresh_token: str, narrowed: tuple[str, ...] | None, now: datetime) -> Tokens:
    end = min(now + timedelta(seconds=access_seconds(GrantKind(grant.kind))), grant.expires_at)
    issued_at, expires_at = int(now.timestamp()), int(end.timestamp())
    if grant.client_id is not None:
        subject = client_id = ids.encode("cli", grant.client_id)
        scope = narrowed or tuple(grant.scope)
    else:
        assert grant.user_id is not None
        subject, client_id = ids.encode("usr", grant.user_id), DASHBOARD
        scope = narrowed or Membership.objects.get(pk=grant.membership_id).scopes.texts
    access_token = signed.encode(
        sub=subject,
        client_id=client_id,
        sid=grant.public_id,
        org=ids.encode("org", grant.organization_id),
        scope=" ".join(scope),
        jti=secrets.token_urlsafe(16),
        iat=issued_at,
        exp=expires_at,
    )
    return Tokens(access_token, refresh_token, expires_at - issued_at, scope, grant)


def access_seconds(kind: GrantKind) -> int:
    """How long an access token of this door lives (contract section 10)."""
    return {
        GrantKind.SESSION: settings.SESSION_ACCESS_SECONDS,
        GrantKind.SINGLE_SIGN_ON: settings.OAUTH_ACCESS_SECONDS,
        GrantKind.PASSWORD: settings.PASSWORD_GRANT_ACCESS_SECONDS,
        GrantKind.CLIENT: settings.OAUTH_ACCESS_SECONDS,
    }[kind]


def _key(raw: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"tessera refresh successor").derive(raw.encode()))


def _seal(raw: str, successor: str) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + _key(raw).encrypt(nonce, successor.encode(), None)


def _unseal(raw: str, sealed: bytes) -> str | None:
    try:
        return _key(raw).decrypt(sealed[:12], sealed[12:], None).decode()
    except InvalidTag:
        return None
