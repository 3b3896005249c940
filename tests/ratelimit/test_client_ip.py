"""Which address a request comes from: only what trusted proxies have written is believed."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from ratelimit import client_ip as client
from ratelimit.client_ip import client_ip, client_network, network_windows

SPOOFED = {
    "HTTP_X_REAL_IP": "203.0.113.1",
    "HTTP_FORWARDED": "for=203.0.113.1",
    "HTTP_TRUE_CLIENT_IP": "203.0.113.1",
    "HTTP_CF_CONNECTING_IP": "203.0.113.1",
    "HTTP_CLIENT_IP": "203.0.113.1",
}


def address(remote: str, forwarded: str | None = None, **meta: str) -> str | None:
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_ip(RequestFactory().get("/", REMOTE_ADDR=remote, **meta))


def test_without_a_trusted_proxy_no_header_is_believed() -> None:
    assert address("192.0.2.1", "203.0.113.1", **SPOOFED) == "192.0.2.1"


@pytest.mark.parametrize(
    ("count", "forwarded", "found"),
    [
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.1,203.0.113.2 ,  198.51.100.7 ", "198.51.100.7"),
        (2, "203.0.113.1, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (3, "198.51.100.7", "198.51.100.7"),
    ],
)
def test_trusted_proxies_are_counted_from_the_right(
    settings: Settings, count: int, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = count
    assert address("10.0.0.2", forwarded, **SPOOFED) == found


def test_a_proxy_that_wrote_nothing_is_itself_the_client(settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert address("10.0.0.2") == "10.0.0.2"
    assert address("10.0.0.2", "") == "10.0.0.2"


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "_hidden",
        "203.0.113.1:",
        "203.0.113.1:123456",
        "2001:db8::1]:80",
        "'; DROP",
        "\x00",
        "1.2.3",
        "٣.2.3.4",
    ],
)
def test_what_is_no_address_is_none(settings: Settings, text: str) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert address("10.0.0.2", text) is None
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=text)
    assert client_network(request) == "unknown"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("203.0.113.1:80", "203.0.113.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[::ffff:203.0.113.1]:80", "203.0.113.1"),
    ],
)
def test_a_proxy_may_append_the_port(settings: Settings, text: str, found: str) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert address("10.0.0.2", text) == found


def test_an_unreadable_address_shares_no_window() -> None:
    assert network_windows(None, "refusals", 10) == ()


def test_ipv6_clients_are_limited_as_a_64_and_more_widely_as_a_48() -> None:
    windows = network_windows("2001:db8:1:2::7", "refusals", 10, 900)
    assert [(one.key, one.limit, one.seconds) for one in windows] == [
        ("refusals:2001:db8:1:2::/64", 10, 900),
        ("refusals:2001:db8:1::/48", 40, 900),
    ]
    assert [one.key for one in network_windows("192.0.2.1", "refusals", 10)] == ["refusals:192.0.2.1"]


def test_a_forwarded_address_without_a_trusted_proxy_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client._warn_of_proxy.cache_clear()
    for _ in range(3):
        assert address("10.0.0.2", "198.51.100.7") == "10.0.0.2"
    assert [record.getMessage().count("TRUSTED_PROXY_COUNT") for record in caplog.records] == [2]


@pytest.mark.parametrize(
    ("remote", "ip", "network"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8::1", "2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
    ],
)
def test_addresses_have_one_form_and_ipv6_is_limited_by_its_network(
    remote: str, ip: str, network: str
) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=remote)
    assert (client_ip(request), client_network(request)) == (ip, network)
