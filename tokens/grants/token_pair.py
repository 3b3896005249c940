"""An access token with its refresh token, as the endpoints return them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts import typeid
from tokens.crypto import access_jwt
from tokens.grants import status
from tokens.grants.errors import InvalidGrant, InvalidScope
from tokens.grants.status import GrantStatus
from tokens.models import Grant, GrantKind

DASHBOARD = "tessera-dashboard"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """``expires_in`` is in seconds; ``scope`` is the access token's."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: tuple[str, ...]
    grant: Grant


def effective_scope(grant: Grant, requested: Sequence[str] | None, now: datetime) -> tuple[str, ...]:
    """Return the scope of an access token: all that the grant holds now, or the requested part.

    Raises InvalidGrant if the grant has ended; InvalidScope if more is requested than it holds, or if a
    client's grant holds nothing.
    """
    row = status.load(grant.pk)
    if row is None or status.evaluate(row, now) is not GrantStatus.ACTIVE:
        raise InvalidGrant("The grant has ended.")
    held = status.scopes_of(row, grant.scope)
    if requested and held.missing(requested):
        raise InvalidScope("This scope is more than was granted.")
    scope = tuple(requested or held.texts)
    if grant.client_id is not None and not scope:
        raise InvalidScope("Nothing of what was granted is allowed any more.")
    return scope


def build(grant: Grant, refresh_token: str, scope: tuple[str, ...], now: datetime) -> TokenPair:
    """Sign an access token. It expires with the grant at the latest."""
    end = min(now + timedelta(seconds=access_seconds(GrantKind(grant.kind))), grant.expires_at)
    issued_at, expires_at = int(now.timestamp()), int(end.timestamp())
    client_id = typeid.encode("cli", grant.client_id) if grant.client_id else DASHBOARD
    access_token = access_jwt.encode(
        sub=typeid.encode("usr", grant.user_id) if grant.user_id else client_id,
        client_id=client_id,
        sid=grant.public_id,
        org=typeid.encode("org", grant.organization_id),
        scope=" ".join(scope),
        jti=secrets.token_urlsafe(16),
        iat=issued_at,
        exp=expires_at,
    )
    return TokenPair(access_token, refresh_token, expires_at - issued_at, scope, grant)


def access_seconds(kind: GrantKind) -> int:
    """Return the lifetime in seconds of an access token of this kind of grant."""
    seconds: dict[GrantKind, int] = {
        GrantKind.SESSION: settings.SESSION_ACCESS_SECONDS,
        GrantKind.SINGLE_SIGN_ON: settings.OAUTH_ACCESS_SECONDS,
        GrantKind.PASSWORD: settings.PASSWORD_GRANT_ACCESS_SECONDS,
        GrantKind.CLIENT: settings.OAUTH_ACCESS_SECONDS,
    }
    return seconds[kind]
