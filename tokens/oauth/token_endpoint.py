"""The token endpoint without HTTP: a form and a client in, the body of RFC 6749 section 5.1 out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.permissions.actor import SYSTEM
from accounts.permissions.scopes import parse
from tokens.audit import clients
from tokens.crypto.access_jwt import MAX_SCOPE
from tokens.grants import capping, engine
from tokens.grants.engine import InvalidGrant, InvalidScope, RefreshedTooOften, Tokens
from tokens.models import Grant, GrantKind, OAuthClient
from tokens.oauth.client_authentication import authenticate, check_grants, grant_failed
from tokens.oauth.errors import OAuthError, invalid_grant, invalid_request, invalid_scope, too_many_requests
from tokens.oauth.requests import presented

CLIENT_CREDENTIALS, REFRESH_TOKEN = "client_credentials", "refresh_token"
GRANT_TYPES = (CLIENT_CREDENTIALS, REFRESH_TOKEN)

# Several at once, because each ending makes all workers read the organization's credentials again.
ENDED_AT_ONCE = 10
TOO_MANY = "Unused for longest of too many grants"

Form = dict[str, str]


def exchange(
    form: Form,
    *,
    authorization: str = "",
    address: str | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Credentials or a refresh token for an access token; raises OAuthError.

    ``address`` is where failures are counted, and kept with a new grant.
    """
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise invalid_request("The parameter grant_type is missing.")
    if grant_type not in GRANT_TYPES:
        known = " and ".join(GRANT_TYPES)
        raise OAuthError("unsupported_grant_type", f"This server knows {known}.")
    refresh_token = form.get("refresh_token") if grant_type == REFRESH_TOKEN else None
    if grant_type == REFRESH_TOKEN and refresh_token is None:
        raise invalid_request("The parameter refresh_token is missing.")
    who = presented(form, authorization)
    client = authenticate(who, address=address, refresh_token=refresh_token, now=now)
    scope = _scope(form)
    try:
        if refresh_token is not None:
            return _told(_refresh(refresh_token, client, scope, now))
        check_grants(client)
        tokens = engine.open_for_client(client=client, scope=scope, address=address, now=now)
        _end_oldest(client)
        return _told(tokens)
    except RefreshedTooOften as often:
        raise too_many_requests(often.retry_after) from None
    except InvalidScope as problem:
        raise invalid_scope(str(problem)) from None
    except InvalidGrant as problem:
        raise grant_failed(invalid_grant(str(problem)), address, refresh_token) from None


def _refresh(raw: str, client: OAuthClient, scope: list[str] | None, now: datetime | None) -> Tokens:
    return engine.rotate(raw, kinds=(GrantKind.CLIENT,), client=client, scope=scope, now=now)


def _end_oldest(client: OAuthClient) -> None:
    """Keep GRANTS_PER_CLIENT active grants at most; the ones unused for longest end first."""
    active = Grant.objects.filter(client=client, revoked_at=None, expires_at__gt=timezone.now())
    if active.count() <= settings.GRANTS_PER_CLIENT:
        return
    chosen = capping.beyond(active, max(1, settings.GRANTS_PER_CLIENT - ENDED_AT_ONCE + 1))
    with transaction.atomic():
        ended = engine.revoke(Grant.objects.filter(pk__in=chosen), reason=TOO_MANY)
        clients.tokens_revoked(client, SYSTEM, ended)


def _scope(form: Form) -> list[str] | None:
    """The scopes asked for, each once; raises OAuthError(invalid_scope) for what none could be."""
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


def _told(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token,
        "scope": " ".join(tokens.scope),
    }
