"""Token revocation (RFC 7009)."""

from __future__ import annotations

from django.db import transaction

from accounts import typeid
from accounts.models import Organization
from tokens.audit import client_events
from tokens.credentials import internal
from tokens.crypto import access_jwt, opaque
from tokens.grants import refresh_tokens, revocation
from tokens.models import ClientSecret, Grant, TokenSecret
from tokens.oauth.client_authentication import authenticate
from tokens.oauth.errors import unauthorized_client, unsupported_token_type
from tokens.oauth.requests import Form, presented, required_token

REASON = "Revoked by the client"


def revoke(form: Form, *, authorization: str = "", address: str | None = None) -> None:
    """Revoke the grant of the client's own access or refresh token.

    Returns for a token that has ended before or never existed (section 2.2). Raises OAuthError:
    unauthorized_client for the token of another client or of a person (section 2.1), and
    unsupported_token_type for other credentials. token_type_hint is not needed: the formats differ.
    """
    client = authenticate(presented(form, authorization), address=address)
    token = required_token(form)
    if _is_other_credential(token):
        raise unsupported_token_type()
    grant = _grant_of(token)
    if grant is None:
        return
    if grant.client_id != client.pk:
        raise unauthorized_client()
    with transaction.atomic():
        Organization.objects.lock_all([client.organization_id])
        ended = revocation.revoke(Grant.objects.filter(pk=grant.pk), reason=REASON)
        client_events.tokens_revoked(client, client_events.itself(client), ended)


def _is_other_credential(token: str) -> bool:
    """Return whether the string is a credential that does not belong to a grant."""
    kinds = (TokenSecret, ClientSecret)
    digest = opaque.digest(token)
    return internal.matches(token) or any(kind.objects.filter(digest=digest).exists() for kind in kinds)


def _grant_of(token: str) -> Grant | None:
    """Return the grant of a token, or None if the token was never issued or its grant was pruned."""
    if access_jwt.looks_real(token):
        try:
            grant_id = typeid.decode("ses", access_jwt.decode(token).sid)
        except (access_jwt.InvalidJWT, access_jwt.ExpiredJWT, ValueError):
            return None
        return Grant.objects.filter(pk=grant_id).first()
    found = refresh_tokens.find(token)
    return found.grant if found else None
