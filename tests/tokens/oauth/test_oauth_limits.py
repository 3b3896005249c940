"""Guessing at the OAuth endpoints: counted per client and address, and per address, before any look-up."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.tokens.oauth.calls import FORM, Program, ask, error, make_program, ok, post
from tokens.grants import refresh_tokens

pytestmark = pytest.mark.django_db
GRANT = {"grant_type": "client_credentials"}
WRONG = "tsr_cs_" + "A" * 43
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture(params=["store", "SQL"])
def importer(request: pytest.FixtureRequest, settings: Any, db: None) -> Program:
    settings.CLIENT_FAILURES_PER_MINUTE, settings.REFUSALS_PER_MINUTE = 4, 8
    if request.param == "SQL":
        settings.REDIS_URL = ""
    return make_program()


def wrong(client_id: str) -> Any:
    return ask(**GRANT, client_id=client_id, client_secret=WRONG)


def limited(response: Any) -> None:
    assert error(response, 429) == "temporarily_unavailable"
    assert 0 < int(response["Retry-After"]) <= 60
    assert response.json()["retry_after"] == int(response["Retry-After"])


def test_too_many_wrong_secrets_are_answered_429(importer: Program) -> None:
    for _ in range(4):
        assert error(wrong(importer.id), 401) == "invalid_client"
    for path in ("/v1/auth/token", "/v1/auth/revoke", "/v1/auth/introspect"):
        limited(ask(path, **GRANT, token="x", client_id=importer.id, client_secret=WRONG))


def test_the_right_secret_from_elsewhere_still_works(importer: Program) -> None:
    for _ in range(6):
        wrong(importer.id)
    body = f"grant_type=client_credentials&client_id={importer.id}&client_secret={importer.secret}"
    ok(Client().post("/v1/auth/token", body, content_type=FORM, **ELSEWHERE))


def test_another_client_at_the_same_address_still_works(importer: Program) -> None:
    for _ in range(6):
        wrong(importer.id)
    make_program().grant()


def test_an_address_is_limited_over_all_clients(importer: Program) -> None:
    for n in range(8):
        assert error(wrong(f"cli_{n:026d}"), 401) == "invalid_client"
    limited(wrong(importer.id))


def test_guessed_refresh_tokens_count_against_their_address(importer: Program) -> None:
    for _ in range(8):
        assert error(importer.refresh(refresh_tokens.PREFIX + "A" * 43)) == "invalid_grant"
    limited(importer.refresh(refresh_tokens.PREFIX + "A" * 43))


def test_success_and_a_malformed_request_use_nothing_up(importer: Program) -> None:
    for _ in range(10):
        importer.grant()
        assert error(post("grant_type=x")) == "unsupported_grant_type"
        assert error(ask(**GRANT, **importer.body, scope="*:*:*")) == "invalid_scope"
    wrong(importer.id)
    importer.grant()


def test_an_endless_client_id_is_no_key_of_the_store(importer: Program) -> None:
    assert error(wrong("x" * 10_000), 401) == "invalid_client"
    assert error(wrong("\0"), 401) == "invalid_client"
