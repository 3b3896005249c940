"""Lists of IP addresses and networks (RFC 4632, RFC 4291) that restrict callers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

MOST = 20
LONGEST = 64
TOO_MANY = f"Name at most {MOST} addresses and networks."
_QUOTED = 60
_MAPPED_BITS = 96

# RFC 1918, RFC 4193, RFC 6598, link-local and loopback: behind a proxy they are mostly the proxy's.
PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1",
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# A customer's site often has one of these, by version of IP.
REPORTED_BITS = {4: 24, 6: 48}


def normalized(texts: Sequence[str]) -> list[str]:
    """Return each network once in its canonical form, without those inside another one of the list.

    A text without a prefix length stays an address. Raises ValueError with a sentence that names the entry.
    """
    if len(texts) > MOST:
        raise ValueError(TOO_MANY)
    found: dict[Network, str] = {}
    for text in texts:
        network = _network(text.strip())
        found.setdefault(network, str(network) if "/" in text else str(network.network_address))
    return [text for network, text in found.items() if not _is_inside(network, found)]


def contain(texts: Sequence[str], address: str | None) -> bool:
    """Return whether one of the networks contains the address. An empty list contains every address.

    Never raises: a text that is not a network contains no address.
    """
    if not texts:
        return True
    try:
        found = _address(address or "")
    except ValueError:
        return False
    return any(found in network for network in _parsed(tuple(map(str, texts))))


def outside(texts: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """Return the networks that are in none of the allowed ones. An empty list allows every network."""
    if not allowed:
        return []
    outer = _parsed(tuple(allowed))
    return [text for text in texts if not any(_contains(one, _network(text)) for one in outer)]


def overlap(texts: Sequence[str], network: str) -> bool:
    """Return whether one of the networks has an address of ``network``. An empty list has every address."""
    if not texts:
        return True
    found = _network(network)
    return any(_contains(one, found) or _contains(found, one) for one in _parsed(tuple(texts)))


def is_private(address: str) -> bool:
    """Return whether it is an address that the public internet does not route."""
    return contain(PRIVATE, address)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the network that reports and proposals group an address in: /24 of IPv4, /48 of IPv6.

    An IPv4-mapped address (RFC 4291 section 2.5.5.2) is in the network of its IPv4 address. Raises
    ValueError for a text that is not an address.
    """
    found = _address(address)
    return str(ip_network((found, REPORTED_BITS[found.version]), strict=False))


@lru_cache(maxsize=4096)
def _parsed(texts: tuple[str, ...]) -> tuple[Network, ...]:
    found = []
    for text in texts:
        try:
            found.append(_network(text))
        except ValueError:
            continue
    return tuple(found)


@lru_cache(maxsize=4096)
def _address(text: str) -> Address:
    """Return the address without its zone, and an IPv4-mapped one as IPv4. Raises ValueError."""
    found = ip_address(text.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


def _network(text: str) -> Network:
    """Return the network. Raises ValueError with a sentence for people."""
    shown = f"“{text[:_QUOTED]}”"
    if "%" in text:
        raise ValueError(f"{shown} has a zone, which names an interface of one machine: leave it out.")
    try:
        found = _unmapped(ip_network(text, strict=False))
    except ValueError:
        form = "write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48"
        raise ValueError(f"{shown} is not an IP address or network: {form}.") from None
    address = _address(text.partition("/")[0])
    if address != found.network_address:
        proposal = f"Write {found} for the network, or {address} for the address alone."
        raise ValueError(f"{shown} is an address inside a network. {proposal}")
    return found


def _unmapped(network: Network) -> Network:
    """Return the IPv4 network of IPv4-mapped addresses (RFC 4291 section 2.5.5.2), any other unchanged."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _is_inside(network: Network, others: Iterable[Network]) -> bool:
    return any(network != other and _contains(other, network) for other in others)


def _contains(outer: Network, inner: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
