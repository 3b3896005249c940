"""Lists of IP addresses and networks (RFC 4632, RFC 4291) that restrict callers."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def contain(texts: tuple[str, ...], address: str | None) -> bool:
    """Return whether one of the networks contains the address. An empty list contains every address."""
    if not texts:
        return True
    if address is None:
        return False
    found = ip_address(address)
    return any(found in network for network in _parsed(texts))


@lru_cache(maxsize=4096)
def _parsed(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
