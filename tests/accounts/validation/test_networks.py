"""Lists of addresses and networks are stored in one form, and the check of an address never raises."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as FieldErrors

from accounts.drf.fields import Networks
from accounts.validation.form_fields import NetworksField
from accounts.validation.networks import MOST, TOO_MANY, contain, is_private, network_of, normalized, overlap

FORM = "write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48."
INSIDE = "“{}” is an address inside a network. Write {} for the network, or {} for the address alone."


@pytest.mark.parametrize(
    ("texts", "stored"),
    [
        ([], []),
        ([" 203.0.113.7 "], ["203.0.113.7"]),
        (["203.0.113.7/32"], ["203.0.113.7/32"]),
        (["203.0.113.0/255.255.255.0"], ["203.0.113.0/24"]),
        (["2001:DB8:0:0::/48", "2001:0db8::0001"], ["2001:db8::/48"]),
        (["::ffff:203.0.113.7", "::ffff:10.0.0.0/104"], ["203.0.113.7", "10.0.0.0/8"]),
        (["203.0.113.7", "203.0.113.7/32", "203.0.113.7"], ["203.0.113.7"]),
        (["203.0.113.7", "203.0.113.0/25", "203.0.113.0/24"], ["203.0.113.0/24"]),
        (["0.0.0.0/0", "::/0"], ["0.0.0.0/0", "::/0"]),
    ],
)
def test_a_list_is_stored_in_one_form_without_networks_inside_others(
    texts: list[str], stored: list[str]
) -> None:
    assert normalized(texts) == stored
    assert normalized(stored) == stored


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("office", f"“office” is not an IP address or network: {FORM}"),
        ("", f"“” is not an IP address or network: {FORM}"),
        ("1", f"“1” is not an IP address or network: {FORM}"),
        ("010.0.0.1", f"“010.0.0.1” is not an IP address or network: {FORM}"),
        ("10.0.0.0/33", f"“10.0.0.0/33” is not an IP address or network: {FORM}"),
        ("x" * 100, f"“{'x' * 60}” is not an IP address or network: {FORM}"),
        ("10.0.0.7/24", INSIDE.format("10.0.0.7/24", "10.0.0.0/24", "10.0.0.7")),
        ("2001:db8::1/48", INSIDE.format("2001:db8::1/48", "2001:db8::/48", "2001:db8::1")),
        (
            "fe80::1%eth0",
            "“fe80::1%eth0” has a zone, which names an interface of one machine: leave it out.",
        ),
    ],
)
def test_a_text_that_is_not_a_network_is_refused_by_name(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="“") as caught:
        normalized(["192.0.2.0/24", text])
    assert str(caught.value) == sentence


def test_a_list_has_at_most_twenty_entries() -> None:
    many = [f"10.0.0.{number}" for number in range(MOST + 1)]
    assert normalized(many[:MOST]) == many[:MOST]
    with pytest.raises(ValueError, match=TOO_MANY):
        normalized(many)


@pytest.mark.parametrize(
    ("texts", "address", "is_contained"),
    [
        ([], "203.0.113.7", True),
        ([], None, True),
        (["203.0.113.0/24"], "203.0.113.7", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", True),
        (["203.0.113.0/24"], "203.0.114.7", False),
        (["203.0.113.0/24"], "2001:db8::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["2001:db8::/48"], "2001:db8:0:ffff::1", True),
        (["2001:db8::/48"], "2001:db8:1::1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["203.0.113.0/24"], None, False),
        (["203.0.113.0/24"], "", False),
        (["203.0.113.0/24"], "unknown", False),
        (["office", "203.0.113.7/24", None, 1, [], "198.51.100.7"], "198.51.100.7", True),
        (["office", None], "0.0.0.1", False),
        ([1], "0.0.0.1", False),
    ],
)
def test_an_address_is_checked_without_an_exception(
    texts: list[Any], address: str | None, is_contained: bool
) -> None:
    assert contain(texts, address) is is_contained


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("203.0.113.7", 'Expected a list of items but got type "str".'),
        ([1], "Not a valid string."),
        (["203.0.113.7/24"], "“203.0.113.7/24” is an address inside a network."),
        (["10.0.0.1"] * (MOST + 1), "Ensure this field has no more than 20 elements."),
    ],
)
def test_the_api_refuses_what_is_not_a_list_of_networks(sent: Any, sentence: str) -> None:
    with pytest.raises(FieldErrors) as caught:
        Networks().run_validation(sent)
    assert sentence in str(caught.value)


def test_the_api_stores_the_normalized_list() -> None:
    assert Networks().run_validation(["::ffff:203.0.113.7", "203.0.113.0/24"]) == ["203.0.113.0/24"]


def test_a_form_takes_one_network_on_each_line_or_several_apart_by_commas() -> None:
    field = NetworksField()
    assert field.clean("203.0.113.7\r\n\r\n 2001:db8::/48 , 10.0.0.0/8\r\n") == [
        "203.0.113.7",
        "2001:db8::/48",
        "10.0.0.0/8",
    ]
    assert field.clean("") == []
    assert field.prepare_value(["203.0.113.7", "10.0.0.0/8"]) == "203.0.113.7\n10.0.0.0/8"
    assert not field.has_changed(["203.0.113.7"], "203.0.113.7")
    assert field.has_changed(["203.0.113.7"], "203.0.113.8")
    with pytest.raises(ValidationError, match="“office” is not an IP address"):
        field.clean("203.0.113.7\noffice")


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


@pytest.mark.parametrize(
    ("address", "private"),
    [("10.0.0.2", True), ("::ffff:127.0.0.1", True), ("fd00::1", True), ("203.0.113.7", False), ("", False)],
)
def test_private_addresses_are_those_that_the_internet_does_not_route(address: str, private: bool) -> None:
    assert is_private(address) is private


@pytest.mark.parametrize(
    ("texts", "network", "expected"),
    [
        ([], "203.0.113.0/24", True),
        (["203.0.113.7"], "203.0.113.0/24", True),
        (["203.0.0.0/16"], "203.0.113.0/24", True),
        (["203.0.112.0/24", "2001:db8::/32"], "203.0.113.0/24", False),
        (["2001:db8::/32"], "2001:db8:1::/48", True),
    ],
)
def test_networks_overlap_if_one_contains_the_other(texts: list[str], network: str, expected: bool) -> None:
    assert overlap(texts, network) is expected
