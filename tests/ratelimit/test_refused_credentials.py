"""Refused credentials are limited by client address, and are charged to no other client."""

from __future__ import annotations

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import actor, make_token
from tokens.crypto import opaque
from tokens.service_accounts.revoke import revoke

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend", "few")]
WHOAMI = "/api/auth/whoami"
LIMIT = 3


@pytest.fixture
def few(settings: Settings) -> None:
    settings.REFUSALS_PER_MINUTE = LIMIT


def statuses(bearer: str, tries: int, address: str = "192.0.2.1", **headers: str) -> list[int]:
    api = program(bearer)
    return [api.get(WHOAMI, REMOTE_ADDR=address, headers=headers).status_code for _ in range(tries)]


def unknown() -> str:
    return opaque.new().plaintext


def test_unknown_tokens_are_429_past_the_limit() -> None:
    assert [statuses(unknown(), 1)[0] for _ in range(LIMIT + 2)] == [401] * LIMIT + [429] * 2


def test_the_429_says_when_to_come_back() -> None:
    statuses(unknown(), LIMIT)
    response = program(unknown()).get(WHOAMI, REMOTE_ADDR="192.0.2.1")
    wait = int(response["Retry-After"])
    assert 0 < wait <= 60
    assert response.json() == {"error": "Rate limit exceeded", "code": "rate_limited", "retry_after": wait}


def test_revoked_tokens_count_as_well(owner: Membership) -> None:
    issued = make_token(owner)
    revoke(token=issued.token, actor=actor(owner))
    assert statuses(issued.plaintext, LIMIT + 1) == [401] * LIMIT + [429]


def test_a_good_credential_is_never_blocked_by_refused_ones(api: APIClient) -> None:
    statuses(unknown(), LIMIT + 1)
    response = api.get(WHOAMI, REMOTE_ADDR="192.0.2.1")
    assert response.status_code == 200
    assert response["X-RateLimit-Remaining"] == "99"


def test_refused_credentials_charge_no_plan(owner: Membership, api: APIClient) -> None:
    revoked = make_token(owner)
    revoke(token=revoked.token, actor=actor(owner))
    statuses(revoked.plaintext, LIMIT)
    assert api.get(WHOAMI)["X-RateLimit-Remaining"] == "99"


def test_another_address_has_a_limit_of_its_own() -> None:
    statuses(unknown(), LIMIT + 1)
    assert statuses(unknown(), 1, "192.0.2.2") == [401]


def test_an_ipv6_network_of_64_bits_is_one_client() -> None:
    addresses = ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:1::", "2001:db8::2"]
    assert [statuses(unknown(), 1, address)[0] for address in addresses] == [401] * LIMIT + [429]
    assert statuses(unknown(), 1, "2001:db8:0:1::1") == [401]


def test_a_forged_forwarding_header_does_not_help() -> None:
    forged = [statuses(unknown(), 1, **{"X-Forwarded-For": f"198.51.100.{n}"})[0] for n in range(LIMIT + 1)]
    assert forged == [401] * LIMIT + [429]


def test_malformed_and_missing_credentials_are_not_limited() -> None:
    assert set(statuses("nonsense", LIMIT * 3)) == {401}
    assert statuses(unknown(), 1) == [401]


def test_a_client_with_a_whole_48_is_limited_too() -> None:
    refused = [statuses(unknown(), 1, f"2001:db8:1:{number:x}::1")[0] for number in range(4 * LIMIT + 2)]
    assert refused == [401] * 4 * LIMIT + [429] * 2
    assert statuses(unknown(), 1, "2001:db8:2::1") == [401]
