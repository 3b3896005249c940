"""The token endpoint without HTTP: a form and a client in, the body of RFC 6749 section 5.1 out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.scopes import parse
from tokens import grants
from tokens.client_authentication import authenticate, grant_failed
from tokens.grants import InvalidGrant, InvalidScope, Tokens
from tokens.models import GrantKind, OAuthClient
from tokens.oauth_errors import OAuthError, invalid_grant, invalid_request, invalid_scope
from tokens.oauth_forms import presented
from tokens.signed import MAX_SCOPE

CLIENT_CREDENTIALS, REFRESH_TOKEN = "client_credentials", "refresh_token"
GRANT_TYPES = (CLIENT_CREDENTIALS, REFRESH_TOKEN)

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
    refreshing = grant_type == REFRESH_TOKEN
    if refreshing and "refresh_token" not in form:
        raise invalid_request("The parameter refresh_token is missing.")
    client = authenticate(presented(form, authorization), address=address, secretless=refreshing, now=now)
    scope = _scope(form)
    try:
        if refreshing:
            return _told(_refresh(form["refresh_token"], client, scope, now))
        return _told(grants.open_for_client(client=client, scope=scope, address=address, now=now))
    except InvalidScope as problem:
        raise invalid_scope(str(problem)) from None
    except InvalidGrant as problem:
        raise grant_failed(invalid_grant(str(problem)), address) from None


def _refresh(raw: str, client: OAuthClient, scope: list[str] | None, now: datetime | None) -> Tokens:
    return grants.rotate(raw, kinds=(GrantKind.CLIENT,), client=client, scope=scope, now=now)


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
