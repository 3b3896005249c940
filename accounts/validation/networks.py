"""Lists of IP addresses and networks (RFC 4632, RFC 4291) that restrict callers."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
# A customer's site often has one of these, by version of IP.
REPORTED_BITS = {4: 24, 6: 48}


def contain(texts: tuple[str, ...], address: str | None) -> bool:
    """Return whether one of the networks contains the address. An empty list contains every address."""
    if not texts:
        return True
    if address is None:
        return False
    found = ip_address(address)
    return any(found in network for network in _parsed(texts))


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the network that reports and proposals group an address in: /24 of IPv4, /48 of IPv6.

    An IPv4-mapped address (RFC 4291 section 2.5.5.2) is in the network of its IPv4 address. Raises
    ValueError for a text that is not an address.
    """
    found = ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network((found, REPORTED_BITS[found.version]), strict=False))


@lru_cache(maxsize=4096)
def _parsed(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
