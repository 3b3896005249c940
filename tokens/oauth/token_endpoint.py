"""The token endpoint without HTTP: from a form to the body of RFC 6749 section 5.1."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.permissions.actor import SYSTEM
from accounts.permissions.scopes import parse
from tokens.audit import client_events
from tokens.crypto.access_jwt import MAX_SCOPE
from tokens.grants import capping, opening, revocation, rotation
from tokens.grants.errors import InvalidGrant, InvalidScope, RefreshedTooOften
from tokens.grants.token_pair import TokenPair
from tokens.models import Grant, GrantKind, OAuthClient
from tokens.oauth.client_authentication import authenticate, check_grants, grant_failed
from tokens.oauth.errors import OAuthError, invalid_grant, invalid_request, invalid_scope, too_many_requests
from tokens.oauth.requests import Form, presented

CLIENT_CREDENTIALS, REFRESH_TOKEN = "client_credentials", "refresh_token"
GRANT_TYPES = (CLIENT_CREDENTIALS, REFRESH_TOKEN)

# Several at once, because each revocation makes every process read the organization's credentials again.
REVOKED_AT_ONCE = 10
TOO_MANY = "Unused for longest of too many grants"


def exchange(
    form: Form,
    *,
    authorization: str = "",
    address: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Exchange client credentials or a refresh token for an access token. Raises OAuthError.

    Failures are counted against ``address``, which is stored with a new grant.
    """
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise invalid_request("The parameter grant_type is missing.")
    if grant_type not in GRANT_TYPES:
        known = " and ".join(GRANT_TYPES)
        raise OAuthError("unsupported_grant_type", f"This server supports {known}.")
    refresh_token = form.get("refresh_token") if grant_type == REFRESH_TOKEN else None
    if grant_type == REFRESH_TOKEN and refresh_token is None:
        raise invalid_request("The parameter refresh_token is missing.")
    who = presented(form, authorization)
    client = authenticate(who, address=address, refresh_token=refresh_token, now=now)
    scope = _scope(form)
    try:
        if refresh_token is not None:
            return _body(_refresh(refresh_token, client, scope, now))
        check_grants(client)
        tokens = opening.open_for_client(client=client, scope=scope, address=address, now=now)
        _revoke_excess(client)
        return _body(tokens)
    except RefreshedTooOften as often:
        raise too_many_requests(often.retry_after) from None
    except InvalidScope as problem:
        raise invalid_scope(str(problem)) from None
    except InvalidGrant as problem:
        raise grant_failed(invalid_grant(str(problem)), address, refresh_token) from None


def _refresh(raw: str, client: OAuthClient, scope: list[str] | None, now: datetime | None) -> TokenPair:
    return rotation.rotate(raw, kinds=(GrantKind.CLIENT,), client=client, scope=scope, now=now)


def _revoke_excess(client: OAuthClient) -> None:
    """Keep at most GRANTS_PER_CLIENT active grants. Those unused for longest are revoked."""
    active = Grant.objects.filter(client=client, revoked_at=None, expires_at__gt=timezone.now())
    if active.count() <= settings.GRANTS_PER_CLIENT:
        return
    chosen = capping.beyond(active, max(1, settings.GRANTS_PER_CLIENT - REVOKED_AT_ONCE + 1))
    with transaction.atomic():
        ended = revocation.revoke(Grant.objects.filter(pk__in=chosen), reason=TOO_MANY)
        client_events.tokens_revoked(client, SYSTEM, ended)


def _scope(form: Form) -> list[str] | None:
    """Return the requested scopes without duplicates. Raises OAuthError(invalid_scope)."""
    text = form.get("scope")
    if text is None:
        return None
    wanted = list(dict.fromkeys(text.split(" ")))
    try:
        if len(text) > MAX_SCOPE:
            raise ValueError
        for one in wanted:
            parse(one)
    except ValueError:
        raise invalid_scope("The scope is malformed or too long.") from None
    return wanted


def _body(tokens: TokenPair) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token,
        "scope": " ".join(tokens.scope),
    }
