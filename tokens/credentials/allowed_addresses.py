"""Refusal of callers from addresses that the lists of a token or its organization do not contain."""

from __future__ import annotations

from django.http import HttpRequest

from accounts import errors
from ratelimit.client_ip import client_ip, is_forwarding_ignored
from tokens.credentials.credential import Credential, RefusedSecret

# Under which calls from addresses that are not allowed are counted.
CAUSE_ADDRESS = "address"
FORWARDING_IGNORED = (
    "It has X-Forwarded-For, but TRUSTED_PROXY_COUNT is 0, so this may be the address of a proxy: "
    "set TRUSTED_PROXY_COUNT to the number of proxies."
)


def refusal(request: HttpRequest, found: Credential) -> RefusedSecret | None:
    """Return the refusal of a valid credential at the request's address, or None if it may be used there."""
    if not found.allowed_addresses or found.organization_id is None or found.id is None:
        return None
    address = client_ip(request)
    if found.allows_address(address):
        return None
    extra = {"detail": with_hint(request, seen_from(address))}
    return RefusedSecret(errors.ADDRESS_NOT_ALLOWED, found.organization_id, found.id, CAUSE_ADDRESS, extra)


def seen_from(address: str | None) -> str:
    """Return the sentence about where a request came from, in ASCII."""
    return f"The request came from {address or 'an unknown address'}."


def with_hint(request: HttpRequest, sentence: str) -> str:
    """Return the sentence, and where X-Forwarded-For is ignored, that its address may be a proxy's."""
    return f"{sentence} {FORWARDING_IGNORED}" if is_forwarding_ignored(request) else sentence
