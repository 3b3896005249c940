"""Client authentication (RFC 6749 section 2.3). Failures are limited before any look-up."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from accounts import typeid
from accounts.validation import networks
from ratelimit import attempts
from ratelimit.client_ip import network_of, network_windows
from ratelimit.types import FixedWindow
from ratelimit.usage import refused_uses
from tokens.credentials.allowed_addresses import CAUSE_ADDRESS, seen_from
from tokens.credentials.refusal_limits import refusal_limiter
from tokens.crypto import opaque, tagged
from tokens.grants import refresh_tokens, rotation
from tokens.models import ClientSecret, OAuthClient
from tokens.models.client import RefreshAuth
from tokens.oauth.errors import (
    AddressNotAllowed,
    OAuthError,
    invalid_client,
    too_many_failures,
    too_many_requests,
)
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
_ADDRESSES = "client__organization__allowed_addresses"
_QUERY = PreparedQuery(
    ClientSecret, "digest", (_ADDRESSES, *_ENDS, *_STOPS, *(f"client__{field}" for field in _FIELDS))
)


def authenticate(
    presented: Presented,
    *,
    address: str | None,
    refresh_token: str | None = None,
    now: datetime | None = None,
) -> OAuthClient:
    """Return the authenticated client. With a ``refresh_token``, some clients need no secret.

    Raises OAuthError: invalid_client for an unknown client, a wrong secret and a suspended organization
    alike; AddressNotAllowed; 429 after too many failures from ``address``, before a forged secret is looked
    up, and after too many calls of the client to the OAuth endpoints.
    """
    secrets = [text for text in (presented.secret, refresh_token) if text is not None]
    _check_failures(presented.client_id, address, secrets)
    now = now or timezone.now()
    found = _find(presented, address, secretless=refresh_token is not None, now=now)
    if found is None:
        _remember(*secrets)
        raise _failed(invalid_client(), _of_client(presented.client_id, address), *_of_network(address))
    client, addresses = found
    is_proven = presented.secret is not None or _is_exchangeable(client, refresh_token, now)
    if is_proven and not networks.contain(addresses, address):
        raise _not_allowed(client, address, secrets)
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
        if not secrets or not all(_may_be_valid(secret, address) for secret in secrets):
            raise too_many_failures(error.retry_after) from None


def _may_be_valid(secret: str, address: str | None) -> bool:
    refused = (opaque.digest(secret), _digest_at(secret, address))
    return tagged.has_valid_code(secret) and not any(map(refusal_limiter.was_refused, refused))


def _remember(*refused: str) -> None:
    for secret in refused:
        refusal_limiter.remember_refusal(opaque.digest(secret))


def _digest_at(secret: str, address: str | None) -> bytes:
    """Return the key of a refusal that concerns this address only: from others the secret is valid."""
    return opaque.digest(secret) + (address or "").encode()


def _is_exchangeable(client: OAuthClient, refresh_token: str | None, now: datetime) -> bool:
    """Return whether the refresh token proves the client. Rotation refuses others and detects reuse."""
    found = refresh_tokens.find(refresh_token or "")
    return found is not None and found.grant.client_id == client.pk and rotation.is_exchangeable(found, now)


def _not_allowed(client: OAuthClient, address: str | None, secrets: list[str]) -> OAuthError:
    """Count a refused use of the client, against its address but not as a failure of the client."""
    for secret in secrets:
        refusal_limiter.remember_refusal(_digest_at(secret, address))
    problem = _failed(AddressNotAllowed(seen_from(address)), *_of_network(address))
    if isinstance(problem, AddressNotAllowed):
        refused_uses.count(client.organization_id, client.pk, address, CAUSE_ADDRESS)
    return problem


def _failed(problem: OAuthError, *windows: FixedWindow) -> OAuthError:
    """Count the failure. Returns ``problem``, or the 429 if there were too many."""
    try:
        attempts.reserve(windows)
    except attempts.TooManyAttempts as error:
        return too_many_failures(error.retry_after)
    return problem


def _find(
    presented: Presented, address: str | None, *, secretless: bool, now: datetime
) -> tuple[OAuthClient, list[str]] | None:
    """Return the client and its organization's allowed addresses."""
    try:
        pk = typeid.decode("cli", presented.client_id)
    except ValueError:
        pk = NO_CLIENT
    if presented.secret is None:
        running = Q(expires_at=None) | Q(expires_at__gt=now)
        active = OAuthClient.objects.filter(
            running, deleted_at=None, organization__suspended_at=None, organization__deleted_at=None
        )
        active = active.annotate(addresses=F("organization__allowed_addresses"))
        known = active.filter(pk=pk, refresh_auth=RefreshAuth.ROTATION_ONLY).first()
        return (known, known.addresses) if known and secretless else None
    found = _QUERY.fetch_one(opaque.digest(presented.secret))
    if found is None:
        return None
    addresses, rest = found[0], found[1:]
    ends, rest = rest[: len(_ENDS)], rest[len(_ENDS) :]
    stops, fields = rest[: len(_STOPS)], rest[len(_STOPS) :]
    client = OAuthClient.from_db("default", _FIELDS, fields)
    if client.pk != pk:
        return None
    if any(stops) or any(end is not None and end <= now for end in ends):
        refused_uses.count(client.organization_id, client.pk, address)
        return None
    client.secret_ends_at = earlier(*ends[1:])
    return client, addresses


def _of_client(client_id: str, address: str | None) -> FixedWindow:
    """Return the window of a client's failures from one network. Its other servers are not affected."""
    name = sha256(client_id.encode()).hexdigest()[:32]
    return FixedWindow("client", f"client:{name}:{network_of(address)}", settings.CLIENT_FAILURES_PER_MINUTE)


def _of_network(address: str | None) -> tuple[FixedWindow, ...]:
    return network_windows(address, "clients", settings.REFUSALS_PER_MINUTE)
