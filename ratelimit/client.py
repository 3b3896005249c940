"""The client's address: the only reader of X-Forwarded-For."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The address our outermost trusted proxy saw, counted from the right; None if it is not one.

    Each of TRUSTED_PROXY_COUNT proxies appends the address it was called from; what stands further
    left was written by the client.
    """
    found = _address(request)
    return str(found) if found else None


def client_network(request: HttpRequest) -> str:
    """What limits by address are kept under: an IPv4 address, or an IPv6 network of /64."""
    found = _address(request)
    if isinstance(found, IPv6Address):
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found or "unknown")


def _address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    text: str = request.META.get("REMOTE_ADDR", "")
    hops = settings.TRUSTED_PROXY_COUNT
    if hops:
        chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        text = chain[-min(hops, len(chain))].strip() or text
    return _parse(text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    # A scope ("fe80::1%eth0") names an interface of this machine, and databases know no address with one.
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
