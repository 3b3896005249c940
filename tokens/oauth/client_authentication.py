"""Client authentication (RFC 6749 section 2.3). Failures are limited before any look-up."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts import typeid
from ratelimit import attempts
from ratelimit.client_ip import network_of, network_windows
from ratelimit.types import FixedWindow
from ratelimit.usage import refused_uses
from tokens.credentials.refusal_limits import refusal_limiter
from tokens.crypto import opaque, tagged
from tokens.models import ClientSecret, OAuthClient
from tokens.models.client import RefreshAuth
from tokens.oauth.errors import OAuthError, invalid_client, too_many_failures, too_many_requests
from tokens.oauth.requests import Presented
from tokens.prepared_query import PreparedQuery
from tokens.service_accounts.creators import earlier

# A malformed id is treated as one that does not exist.
NO_CLIENT = UUID(int=0)
_FIELDS = ("id", "organization_id", "name", "scopes", "refresh_auth")
_ENDS = ("valid_until", "expires_at", "client__expires_at")
_STOPS = (
    "client__deleted_at",
    "client__organization__suspended_at",
    "client__organization__deleted_at",
)
_QUERY = PreparedQuery(ClientSecret, "digest", (*_ENDS, *_STOPS, *(f"client__{field}" for field in _FIELDS)))


def authenticate(
    presented: Presented,
    *,
    address: str | None,
    refresh_token: str | None = None,
    now: datetime | None = None,
) -> OAuthClient:
    """Return the authenticated client. With a ``refresh_token``, some clients need no secret.

    Raises OAuthError: invalid_client for an unknown client, a wrong secret and a suspended organization
    alike; 429 after too many failures from ``address``, before a forged secret is looked up, and after too
    many calls of the client to the OAuth endpoints.
    """
    secrets = [text for text in (presented.secret, refresh_token) if text is not None]
    _check_failures(presented.client_id, address, secrets)
    client = _find(presented, address, secretless=refresh_token is not None, now=now or timezone.now())
    if client is None:
        _remember(*secrets)
        raise _failed(invalid_client(), _of_client(presented.client_id, address), *_of_network(address))
    _count("calls", client, settings.OAUTH_CALLS_PER_MINUTE)
    return client


def check_grants(client: OAuthClient) -> None:
    """Count a requested grant of the client. Raises OAuthError (429)."""
    _count("grants", client, settings.OAUTH_GRANTS_PER_MINUTE)


def _count(name: str, client: OAuthClient, limit: int) -> None:
    try:
        attempts.reserve([FixedWindow(name, f"client-{name}:{client.pk.hex}", limit)])
    except attempts.TooManyAttempts as error:
        raise too_many_requests(error.retry_after) from None


def grant_failed(problem: OAuthError, address: str | None, refresh_token: str | None) -> OAuthError:
    """Count a refused refresh token against its address, so that a client does not lock itself out."""
    if refresh_token is not None:
        _remember(refresh_token)
    return _failed(problem, *_of_network(address))


def _check_failures(client_id: str, address: str | None, secrets: list[str]) -> None:
    """Raise OAuthError (429) past a limit, unless all secrets of the request have a valid code.

    Failures of others from a shared address block no valid secret, and a forged one costs no query.
    """
    try:
        attempts.check([_of_client(client_id, address), *_of_network(address)])
    except attempts.TooManyAttempts as error:
        if not secrets or not all(map(_may_be_valid, secrets)):
            raise too_many_failures(error.retry_after) from None


def _may_be_valid(secret: str) -> bool:
    return tagged.has_valid_code(secret) and not refusal_limiter.was_refused(opaque.digest(secret))


def _remember(*refused: str) -> None:
    for secret in refused:
        refusal_limiter.remember_refusal(opaque.digest(secret))


def _failed(problem: OAuthError, *windows: FixedWindow) -> OAuthError:
    """Count the failure. Returns ``problem``, or the 429 if there were too many."""
    try:
        attempts.reserve(windows)
    except attempts.TooManyAttempts as error:
        return too_many_failures(error.retry_after)
    return problem


def _find(
    presented: Presented, address: str | None, *, secretless: bool, now: datetime
) -> OAuthClient | None:
    try:
        pk = typeid.decode("cli", presented.client_id)
    except ValueError:
        pk = NO_CLIENT
    if presented.secret is None:
        running = Q(expires_at=None) | Q(expires_at__gt=now)
        active = OAuthClient.objects.filter(
            running, deleted_at=None, organization__suspended_at=None, organization__deleted_at=None
        )
        known = active.filter(pk=pk, refresh_auth=RefreshAuth.ROTATION_ONLY).first()
        return known if secretless else None
    found = _QUERY.fetch_one(opaque.digest(presented.secret))
    if found is None:
        return None
    ends, rest = found[: len(_ENDS)], found[len(_ENDS) :]
    stops, fields = rest[: len(_STOPS)], rest[len(_STOPS) :]
    client = OAuthClient.from_db("default", _FIELDS, fields)
    if client.pk != pk:
        return None
    if any(stops) or any(end is not None and end <= now for end in ends):
        refused_uses.count(client.organization_id, client.pk, address)
        return None
    client.secret_ends_at = earlier(*ends[1:])
    return client


def _of_client(client_id: str, address: str | None) -> FixedWindow:
    """Return the window of a client's failures from one network. Its other servers are not affected."""
    name = sha256(client_id.encode()).hexdigest()[:32]
    return FixedWindow("client", f"client:{name}:{network_of(address)}", settings.CLIENT_FAILURES_PER_MINUTE)


def _of_network(address: str | None) -> tuple[FixedWindow, ...]:
    return network_windows(address, "clients", settings.REFUSALS_PER_MINUTE)
