"""Networks of addresses, as reports group them."""

from __future__ import annotations

import pytest

from accounts.validation.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
    ],
)
def test_addresses_are_grouped_by_24_and_48_bits(address: str, network: str) -> None:
    assert network_of(address) == network
