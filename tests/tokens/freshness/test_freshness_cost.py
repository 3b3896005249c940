"""What a warm request costs, whatever its bearer: no statement, one round trip, no signature verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import make_program
from tokens.credentials import cache
from tokens.crypto import access_jwt, signing_keys
from tokens.grants import revocation
from tokens.models import Grant

pytestmark = pytest.mark.django_db
WHOAMI = "/api/auth/whoami"


def service_account(member: Membership) -> APIClient:
    return program(make_token(member))


def oauth_client(member: Membership) -> APIClient:
    return program(make_program(member).grant()["access_token"])


KINDS: dict[str, Callable[[Membership], APIClient]] = {
    "api-token": service_account,
    "session": session_of,
    "oauth-client": oauth_client,
}
SIGNED = {kind: make for kind, make in KINDS.items() if kind != "api-token"}


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signatures were verified, one entry for each time."""
    seen: list[str] = []
    decode = jwt.decode

    def counting(raw: str, *args: Any, **options: Any) -> Any:
        seen.append(raw)
        return decode(raw, *args, **options)

    monkeypatch.setattr(jwt, "decode", counting)
    return seen


def warmed(client: APIClient, kind: str) -> APIClient:
    """The first request learns the store's epoch and reserves a block, the second is remembered."""
    Organization.objects.update(requests_per_day=100_000)
    for _ in range(2):
        assert client.get(WHOAMI).json()["authKind"] == kind
    return client


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_request_costs_no_statement_and_one_round_trip(
    kind: str, owner: Membership, round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = warmed(KINDS[kind](owner), kind)
    round_trips.clear()
    # 0: the credential is remembered, and its limits are inside a block that is reserved
    with django_assert_num_queries(0):
        assert client.get(WHOAMI).status_code == 200
    # 1: EVALSHA of meter.lua decides the limits, counts, and answers whether what is remembered holds
    assert len(round_trips) == 1
    assert b"EVALSHA" in round_trips[0]


@pytest.mark.parametrize("kind", SIGNED)
def test_a_signature_is_verified_once_and_where_the_grant_stands_at_each_request(
    kind: str, owner: Membership, verifications: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = warmed(SIGNED[kind](owner), kind)
    for _ in range(3):
        cache.credential_cache.entries.clear()
        # 1: the grant's status
        with django_assert_num_queries(1):
            assert client.get(WHOAMI).status_code == 200
    for _ in range(3):
        assert client.get(WHOAMI).status_code == 200
    assert len(verifications) == 1

    revocation.revoke(Grant.objects.filter(organization=owner.organization), reason="Over")
    cache.credential_cache.entries.clear()
    assert client.get(WHOAMI).json()["code"] == "token_revoked"
    assert len(verifications) == 1


def test_what_was_verified_is_verified_again_once_its_key_is_another(
    owner: Membership, verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = warmed(session_of(owner), "session")
    assert len(verifications) == 1
    monkeypatch.setattr(signing_keys, "verifying", lambda kid, now: None)
    cache.credential_cache.entries.clear()

    assert client.get(WHOAMI).json()["code"] == "invalid_token"


def test_what_is_known_of_signatures_is_bounded(owner: Membership, settings: Any) -> None:
    settings.CREDENTIAL_MEMORY_SIZE = 3
    for _ in range(5):
        session_of(owner).get(WHOAMI)

    assert len(access_jwt._verified) <= 3
