"""Guessed secrets past an address's limit cost no query, and a valid one passes all the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import actor, make_token
from tests.support.sessions import opened
from tokens.credentials import known_digests
from tokens.credentials.cache import credential_cache
from tokens.credentials.known_digests import KnownDigests
from tokens.credentials.refusal_limits import refusal_limiter
from tokens.crypto import opaque
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
WHOAMI, NOWHERE = "/api/auth/whoami", "/api/nothing"
LIMIT, TRIES = 20, 30


@pytest.fixture(autouse=True)
def _few(settings: Settings) -> None:
    settings.REFUSALS_PER_MINUTE = LIMIT


def unknown() -> str:
    return opaque.new().plaintext


def asked(tries: int = TRIES, path: str = WHOAMI, bearer: str = "") -> tuple[list[int], list[str]]:
    """The statuses of so many guesses, and the queries that look a credential up."""
    with CaptureQueriesContext(connection) as queries:
        statuses = [program(bearer or unknown()).get(path).status_code for _ in range(tries)]
    return statuses, [one["sql"] for one in queries if '"tokens_' in one["sql"]]


def test_unknown_tokens_past_the_limit_cost_no_query(issued: Issued) -> None:
    statuses, queries = asked()
    assert statuses == [401] * LIMIT + [429] * (TRIES - LIMIT)
    # One for each that is counted, one that finds the limit reached, and one that reads the digests.
    assert len(queries) == LIMIT + 2


def test_a_revoked_token_past_the_limit_is_looked_up_once_a_second(issued: Issued, owner: Membership) -> None:
    revoke(token=issued.token, actor=actor(owner))
    _, queries = asked(bearer=issued.plaintext)
    assert len(queries) <= LIMIT + 4


def test_a_valid_token_passes_from_such_an_address(issued: Issued, owner: Membership) -> None:
    asked()
    assert program(issued).get(WHOAMI).status_code == 200
    credential_cache.clear()
    assert program(issued).get(WHOAMI).status_code == 200
    assert program(opened(owner).access_token).get(WHOAMI).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_made_after_the_digests_were_read_works_at_once(owner: Membership) -> None:
    asked()
    for _ in range(3):
        issued = make_token(owner)
        assert program(issued).get(WHOAMI).status_code == 200
        assert asked(1)[0] == [429]


@pytest.mark.django_db(transaction=True)
def test_every_process_sees_a_new_token_at_once(owner: Membership) -> None:
    here, there = KnownDigests(), KnownDigests()
    later = [make_token(owner) for _ in range(2)]
    digests = [opaque.digest(one.plaintext) for one in later]
    for process in (here, there):
        assert [process.may_hold(one) for one in digests] == [True, True]
        assert not process.may_hold(opaque.digest(unknown()))
    new = opaque.digest(make_token(owner).plaintext)
    assert [process.may_hold(new) for process in (here, there)] == [True, True]
    assert [process.may_hold(one) for process in (here, there) for one in digests] == [True] * 4


@pytest.mark.django_db(transaction=True)
def test_a_new_token_costs_a_process_that_is_guessed_at_no_query(owner: Membership) -> None:
    processes = [KnownDigests(), KnownDigests()]
    digests = []
    for process in processes:
        assert not process.may_hold(opaque.digest(unknown()))
    for _ in range(10):
        digests.append(opaque.digest(make_token(owner).plaintext))
        with CaptureQueriesContext(connection) as queries:
            for process in processes:
                assert not process.may_hold(opaque.digest(unknown()))
                assert all(process.may_hold(one) for one in digests)
        assert len(queries) == 0


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_made_while_the_digests_are_read_exists(
    owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def read_then_make(read: Any = known_digests._read_keys) -> Any:
        keys = read()
        made.append(opaque.digest(make_token(owner).plaintext))
        return keys

    monkeypatch.setattr(known_digests, "_read_keys", read_then_make)
    process = KnownDigests()
    process.may_hold(opaque.digest(unknown()))
    assert process.may_hold(made[0])
    assert len(made) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("loss", ["flushed", "trimmed"])
def test_a_token_whose_entry_was_lost_exists(
    owner: Membership, redis_client: Any, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    process = KnownDigests()
    assert not process.may_hold(opaque.digest(unknown()))
    lost = opaque.digest(make_token(owner).plaintext)
    if loss == "flushed":
        redis_client.flushdb()
    else:
        redis_client.xtrim(known_digests.STREAM, maxlen=0, approximate=False)
    later = opaque.digest(make_token(owner).plaintext)
    assert [process.may_hold(one) for one in (lost, later)] == [True, True]
    assert not process.may_hold(opaque.digest(unknown()))


def test_digests_are_read_page_by_page(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_digests, "PAGE", 2)
    made = [opaque.digest(make_token(owner).plaintext) for _ in range(5)]
    process = KnownDigests()
    assert all(process.may_hold(one) for one in made)
    assert not process.may_hold(opaque.digest(unknown()))


def test_without_redis_every_token_is_looked_up(settings: Settings, issued: Issued) -> None:
    settings.REDIS_URL = ""
    statuses, _ = asked()
    assert statuses == [401] * LIMIT + [429] * (TRIES - LIMIT)
    assert program(issued).get(WHOAMI).status_code == 200


def test_guesses_at_unknown_paths_count(issued: Issued) -> None:
    statuses, queries = asked(path=NOWHERE)
    assert set(statuses) == {404}
    assert len(queries) == LIMIT + 2
    assert asked(1)[0] == [429]


@pytest.mark.parametrize("path", ["/api/schema", "/.well-known/jwks.json"])
def test_public_paths_look_no_bearer_up(path: str) -> None:
    _, queries = asked(3, path)
    assert queries == []


def refresh(_: int) -> Any:
    body = {"refresh_token": "tsr_rt_" + opaque.random_text(43)}
    return Client().post("/v1/auth/refresh", body, content_type="application/json")


def with_api_key(_: int) -> Any:
    headers = {"apikey": "tsr_pk_" + opaque.random_text(43)}
    path, body = "/auth/v1/token?grant_type=password", {"email": "a@example.com", "password": "x"}
    return Client().post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("ask", [refresh, with_api_key])
def test_other_secrets_past_the_limit_are_looked_up_once_a_second(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CaptureQueriesContext(connection) as before:
        statuses = [ask(number).status_code for number in range(LIMIT)]
    assert set(statuses) == {401}
    assert len(before) >= LIMIT
    assert [ask(0).status_code for _ in range(2)] == [429, 429]
    with CaptureQueriesContext(connection) as after:
        assert ask(0).status_code == 429
    assert len(after) == 0


def test_the_limit_is_forgotten_with_its_window(api: APIClient) -> None:
    asked()
    refusal_limiter.clear()
    assert api.get(WHOAMI).status_code == 200
