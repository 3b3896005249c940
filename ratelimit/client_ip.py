"""The client's IP address. Nothing else reads X-Forwarded-For."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest

from ratelimit.conf import settings
from ratelimit.types import FixedWindow

logger = logging.getLogger(__name__)

UNKNOWN = "unknown"
# One site often has a /48 of IPv6, which is 65,536 networks of /64, so the /48 is limited too.
WIDER_FACTOR = 4
# Some proxies append the client's port.
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}", re.ASCII)


def client_ip(request: HttpRequest) -> str | None:
    """Return the address that our outermost trusted proxy saw; None if it is not an IP address.

    Each of TRUSTED_PROXY_COUNT proxies appends the address of its client. Everything further left was
    written by the client.
    """
    found = _address(request)
    return str(found) if found else None


def is_forwarding_ignored(request: HttpRequest) -> bool:
    """Return whether the request has X-Forwarded-For although TRUSTED_PROXY_COUNT is 0."""
    return not settings.TRUSTED_PROXY_COUNT and "HTTP_X_FORWARDED_FOR" in request.META


def client_network(request: HttpRequest) -> str:
    """Return the key of limits by address: an IPv4 address, or an IPv6 network of /64."""
    return (*_networks(_address(request)), UNKNOWN)[0]


def network_of(address: str | None) -> str:
    """Return the ``client_network`` of an address that ``client_ip`` returned."""
    return (*_networks(_parse(address or "")), UNKNOWN)[0]


def network_windows(address: str | None, name: str, limit: int, seconds: int = 60) -> tuple[FixedWindow, ...]:
    """Return the windows of an address: ``limit`` for its network, WIDER_FACTOR times that for a /48 of IPv6.

    Empty without an address, because all such clients would share one window.
    """
    return tuple(
        FixedWindow(name, f"{name}:{network}", limit * factor, seconds)
        for network, factor in zip(_networks(_parse(address or "")), (1, WIDER_FACTOR), strict=False)
    )


def _networks(address: IPv4Address | IPv6Address | None) -> tuple[str, ...]:
    """Return the networks of an address, from the narrowest to the widest."""
    if isinstance(address, IPv6Address):
        return tuple(f"{IPv6Address(int(address) >> bits << bits)}/{128 - bits}" for bits in (64, 80))
    return (str(address),) if address else ()


def _address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    text: str = request.META.get("REMOTE_ADDR", "")
    hops = settings.TRUSTED_PROXY_COUNT
    if hops:
        chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        text = chain[-min(hops, len(chain))].strip() or text
    elif is_forwarding_ignored(request):
        _warn_of_proxy()
    return _parse(text)


@lru_cache(maxsize=1)
def _warn_of_proxy() -> None:
    """Log the warning once per process."""
    logger.warning(
        "A request has X-Forwarded-For, but TRUSTED_PROXY_COUNT is 0: if a proxy is in front of this server, "
        "all clients count as one address. Set TRUSTED_PROXY_COUNT to the number of proxies."
    )


@lru_cache(maxsize=4096)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    # A scope ("fe80::1%eth0") names an interface of this machine, and databases reject it.
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
