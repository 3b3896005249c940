"""Token introspection (RFC 7662)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import typeid
from accounts.errors import ErrorCode
from accounts.permissions.scopes import ScopeSet
from tokens.credentials.access_tokens import verify
from tokens.credentials.credential import restrictions
from tokens.credentials.token_lookup import authenticate_token
from tokens.crypto import access_jwt, opaque
from tokens.grants import refresh_tokens, status
from tokens.grants.status import GrantStatus, scopes_of
from tokens.models import OAuthClient
from tokens.oauth.client_authentication import authenticate
from tokens.oauth.requests import Form, presented, required_token

INACTIVE = {"active": False}


def introspect(
    form: Form, *, authorization: str = "", address: str | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Return the current state of a token. Tokens of other organizations are always inactive."""
    client = authenticate(presented(form, authorization), address=address)
    token = required_token(form)
    now = now or timezone.now()
    if access_jwt.looks_real(token):
        return _of_access_token(token, client, now)
    if opaque.looks_real(token):
        return _of_service_account(token, client, now)
    return _of_refresh_token(token, client, now)


def _of_access_token(token: str, client: OAuthClient, now: datetime) -> dict[str, Any]:
    found = verify(token, now)
    if not isinstance(found, tuple):
        return INACTIVE
    credential, claims = found
    # The leeway for clock differences does not apply to a token that this server signed.
    if credential.organization_id != client.organization_id or claims.exp <= now.timestamp():
        return INACTIVE
    about = {"jti": claims.jti, "client_id": claims.client_id, "token_type": "Bearer"}
    active = _active(credential.scopes, claims.sub, client, credential.allowed_addresses)
    return active | about | {"iat": claims.iat, "exp": claims.exp}


def _of_service_account(token: str, client: OAuthClient, now: datetime) -> dict[str, Any]:
    found = authenticate_token(token, now)
    if isinstance(found, ErrorCode) or found.id is None or found.organization_id != client.organization_id:
        return INACTIVE
    subject = typeid.encode("tok", found.id)
    about = _active(found.scopes, subject, client, found.allowed_addresses) | {"token_type": "Bearer"}
    return about if found.ends_at is None else about | {"exp": int(found.ends_at.timestamp())}


def _of_refresh_token(token: str, client: OAuthClient, now: datetime) -> dict[str, Any]:
    found = refresh_tokens.find(token)
    if found is None or found.grant.client_id != client.pk:
        return INACTIVE
    row = status.load(found.grant_id)
    if (
        row is None
        or status.evaluate(row, now) is not GrantStatus.ACTIVE
        or found.used_at
        or found.expires_at <= now
    ):
        return INACTIVE
    addresses = restrictions(row.organization_addresses)
    about = _active(scopes_of(row, found.grant.scope), client.public_id, client, addresses)
    times = {"iat": int(found.created_at.timestamp()), "exp": int(found.expires_at.timestamp())}
    return about | {"client_id": client.public_id} | times


def _active(
    scopes: ScopeSet, subject: str, client: OAuthClient, addresses: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Return what all active tokens have. ``allowed_addresses`` is an extension (RFC 7662 section 2.2)."""
    about: dict[str, Any] = {
        "active": True,
        "scope": " ".join(scopes.texts),
        "sub": subject,
        "iss": settings.BASE_URL,
        "aud": settings.BASE_URL,
        "org": typeid.encode("org", client.organization_id),
    }
    return about | {"allowed_addresses": addresses} if addresses else about
