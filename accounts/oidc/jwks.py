"""Public signing keys that a provider publishes, such as a JWK Set (RFC 7517), cached for all processes.

A cached key identifies no one by itself: an ID token comes from the provider's token endpoint over TLS, and
its signature is verified in addition (OpenID Connect Core 3.1.3.7, point 6).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypedDict

from django.core.cache import cache

from accounts.oidc.http import Deadline, ProviderDown, ProviderRefused, ask

FRESH_SECONDS = 3600
# Cached keys are used for this long while the provider returns none.
OUTAGE_SECONDS = 86_400
# An unknown key id may be that of a new key, so the provider is asked for it, but no more often than this.
UNKNOWN_ID_SECONDS = 60
# After a failure the provider is not asked for this long, because each attempt may take until the deadline.
RETRY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class KeyListing:
    """The members of the provider's document that hold the list of keys, and each key's id."""

    keys: str
    key_id: str


JWK_SET = KeyListing("keys", "kid")


class KeySet(TypedDict):
    """The provider's public keys by id, and when they were fetched, in seconds since 1970."""

    keys: dict[str, dict[str, Any]]
    fetched_at: float


def signing_key(
    url: str, key_id: str, deadline: Deadline, listing: KeyListing = JWK_SET
) -> dict[str, Any] | None:
    """Return the provider's public key of that id as the provider lists it, None if there is none.

    The keys are fetched again after an hour, and for an unknown id at most once a minute. If that fails,
    the cached ones are used, and no fetch follows for ten seconds. Raises ProviderDown if there are none.
    """
    name = cache_key(url)
    known: KeySet | None = cache.get(name)
    if known is None or _is_due(name, key_id, known):
        known = _fetch(url, known, deadline, listing)
    return known["keys"].get(key_id)


def cache_key(url: str) -> str:
    return f"jwks:{sha256(url.encode()).hexdigest()}"


def _is_due(name: str, key_id: str, known: KeySet) -> bool:
    """Return whether to fetch the keys again: they are old or lack the id, and no fetch has just failed."""
    is_old = time.time() - known["fetched_at"] > FRESH_SECONDS
    if key_id in known["keys"] and not is_old:
        return False
    if cache.get(f"{name}:failed"):
        return False
    return is_old or cache.add(f"{name}:unknown", 1, UNKNOWN_ID_SECONDS)


def _fetch(url: str, known: KeySet | None, deadline: Deadline, listing: KeyListing) -> KeySet:
    try:
        listed = ask(url, deadline).get(listing.keys)
    except (ProviderDown, ProviderRefused):
        listed = None
    keys = {
        key[listing.key_id]: key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and isinstance(key.get(listing.key_id), str)
    }
    if keys:
        fresh = KeySet(keys=keys, fetched_at=time.time())
        cache.set(cache_key(url), fresh, OUTAGE_SECONDS)
        return fresh
    if known is None:
        raise ProviderDown("The provider's keys are unavailable.")
    cache.set(f"{cache_key(url)}:failed", 1, RETRY_SECONDS)
    return known
