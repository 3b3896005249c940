"""What a client may ask about tokens: to end its own (RFC 7009), and what one is good for (RFC 7662)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import typeid
from accounts.errors import ErrorCode
from accounts.models import Organization
from accounts.permissions.scopes import ScopeSet
from tokens.audit import clients
from tokens.credentials import internal
from tokens.credentials.access_tokens import verify
from tokens.credentials.credential import for_token
from tokens.crypto import access_jwt, opaque
from tokens.grants import engine
from tokens.grants.status import Standing, judge, row_of, scopes_of
from tokens.models import ClientSecret, Grant, OAuthClient, TokenSecret
from tokens.oauth.client_authentication import authenticate
from tokens.oauth.errors import invalid_request, unauthorized_client, unsupported_token_type
from tokens.oauth.requests import presented

REASON = "Revoked by the client"
INACTIVE = {"active": False}

Form = dict[str, str]


def revoke(form: Form, *, authorization: str = "", address: str | None = None) -> None:
    """End the family of the client's own token, access or refresh.

    Returns for a token that has ended afterwards, or never existed (RFC 7009 section 2.2). Raises OAuthError:
    unauthorized_client for a token that another client or a person was given (section 2.1), and
    unsupported_token_type for what is no token of a grant. The hint is not needed: kinds differ by shape.
    """
    client, token = _asked(form, authorization, address)
    if _is_of_another_kind(token):
        raise unsupported_token_type()
    grant = _family_of(token)
    if grant is None:
        return
    if grant.client_id != client.pk:
        raise unauthorized_client()
    with transaction.atomic():
        Organization.objects.lock_all([client.organization_id])
        ended = engine.revoke(Grant.objects.filter(pk=grant.pk), reason=REASON)
        clients.tokens_revoked(client, clients.itself(client), ended)


def introspect(
    form: Form, *, authorization: str = "", address: str | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """What a token is good for now; only tokens of the client's organization are told about at all."""
    client, token = _asked(form, authorization, address)
    now = now or timezone.now()
    if access_jwt.looks_real(token):
        return _of_access_token(token, client, now)
    if opaque.looks_real(token):
        return _of_service_account(token, client, now)
    return _of_refresh_token(token, client, now)


def _asked(form: Form, authorization: str, address: str | None) -> tuple[OAuthClient, str]:
    client = authenticate(presented(form, authorization), address=address)
    if "token" not in form:
        raise invalid_request("The parameter token is missing.")
    return client, form["token"]


def _is_of_another_kind(token: str) -> bool:
    """Whether the string is a credential that no grant stands behind."""
    kinds = (TokenSecret, ClientSecret)
    digest = opaque.digest(token)
    return internal.matches(token) or any(kind.objects.filter(digest=digest).exists() for kind in kinds)


def _family_of(token: str) -> Grant | None:
    """The grant that a token belongs to; None for a string that was never issued, or is long dead."""
    if access_jwt.looks_real(token):
        try:
            grant_id = typeid.decode("ses", access_jwt.decode(token).sid)
        except (access_jwt.InvalidJWT, access_jwt.ExpiredJWT, ValueError):
            return None
        return Grant.objects.filter(pk=grant_id).first()
    found = engine.find_refresh_token(token)
    return found.grant if found else None


def _of_access_token(token: str, client: OAuthClient, now: datetime) -> dict[str, Any]:
    found = verify(token, now)
    if not isinstance(found, tuple):
        return INACTIVE
    credential, claims = found
    # The leeway is for clocks that differ; here one clock is asked.
    if credential.organization_id != client.organization_id or claims.exp <= now.timestamp():
        return INACTIVE
    about = {"jti": claims.jti, "client_id": claims.client_id, "token_type": "Bearer"}
    return _active(credential.scopes, claims.sub, client) | about | {"iat": claims.iat, "exp": claims.exp}


def _of_service_account(token: str, client: OAuthClient, now: datetime) -> dict[str, Any]:
    found = for_token(token, now)
    if isinstance(found, ErrorCode) or found.id is None or found.organization_id != client.organization_id:
        return INACTIVE
    about = _active(found.scopes, typeid.encode("tok", found.id), client) | {"token_type": "Bearer"}
    return about if found.expires_at is None else about | {"exp": int(found.expires_at.timestamp())}


def _of_refresh_token(token: str, client: OAuthClient, now: datetime) -> dict[str, Any]:
    found = engine.find_refresh_token(token)
    if found is None or found.grant.client_id != client.pk:
        return INACTIVE
    row = row_of(found.grant_id)
    if row is None or judge(row, now) is not Standing.GOOD or found.used_at or found.expires_at <= now:
        return INACTIVE
    about = _active(scopes_of(row, found.grant.scope), client.public_id, client)
    times = {"iat": int(found.created_at.timestamp()), "exp": int(found.expires_at.timestamp())}
    return about | {"client_id": client.public_id} | times


def _active(scopes: ScopeSet, subject: str, client: OAuthClient) -> dict[str, Any]:
    return {
        "active": True,
        "scope": " ".join(scopes.texts),
        "sub": subject,
        "iss": settings.BASE_URL,
        "aud": settings.BASE_URL,
        "org": typeid.encode("org", client.organization_id),
    }
