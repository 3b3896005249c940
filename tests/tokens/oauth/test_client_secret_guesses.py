"""Guessed client secrets past a limit cost no query each, and valid ones pass."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.support.people import actor, make_member
from tests.tokens.oauth.calls import Program, ask, error, make_program, ok
from tokens.credentials import refusal_limits
from tokens.crypto import opaque, tagged
from tokens.grants import refresh_tokens
from tokens.models.client import RefreshAuth
from tokens.oauth import clients

pytestmark = pytest.mark.django_db
LIMIT = 4
PATHS = ("/v1/auth/token", "/v1/auth/revoke", "/v1/auth/introspect")


@pytest.fixture(autouse=True)
def _few(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CLIENT_FAILURES_PER_MINUTE = settings.REFUSALS_PER_MINUTE = LIMIT
    # However slow the machine is, a test takes place while a refusal is repeated.
    monkeypatch.setattr(refusal_limits, "REFUSED_SECONDS", 3600.0)


@pytest.fixture
def importer() -> Program:
    return make_program()


def without_code(prefix: str = clients.SECRET_PREFIX) -> str:
    return prefix + opaque.random_text(opaque.PREFIXED_LENGTH)


def ask_with(client_id: str, secret: str, path: str = PATHS[0], **form: str) -> Any:
    fields = {"grant_type": "client_credentials", "token": without_code("tsr_rt_")} | form
    return ask(path, client_id=client_id, client_secret=secret, **fields)


def guessed(
    client_id: str, secret: str = "", path: str = PATHS[0], tries: int = LIMIT
) -> tuple[list[int], int]:
    """The statuses of so many guesses, each of a new secret or all of the given one, and their queries."""
    with CaptureQueriesContext(connection) as queries:
        statuses = [ask_with(client_id, secret or without_code(), path).status_code for _ in range(tries)]
    return statuses, len(queries)


def past_the_limit(client_id: str) -> None:
    # One query each: the secret by its digest.
    assert guessed(client_id) == ([401] * LIMIT, LIMIT)


@pytest.mark.parametrize("path", PATHS)
def test_guesses_of_a_clients_secret_cost_no_query_and_its_own_secret_passes(
    importer: Program, path: str
) -> None:
    past_the_limit(importer.id)
    for _ in range(5):
        assert guessed(importer.id, path=path) == ([429] * LIMIT, 0)
        ok(ask_with(*importer.body.values(), path))


def test_failures_of_an_address_over_many_clients_block_no_valid_secret(importer: Program) -> None:
    for n in range(LIMIT):
        assert error(ask_with(f"cli_{n:026d}", without_code()), 401) == "invalid_client"
    assert guessed(importer.id) == ([429] * LIMIT, 0)
    importer.refresh(importer.grant()["refresh_token"])


def test_a_request_without_a_secret_is_limited_without_a_query(importer: Program) -> None:
    past_the_limit(importer.id)
    with CaptureQueriesContext(connection) as queries:
        assert ask(grant_type="client_credentials", client_id=importer.id).status_code == 429
    assert len(queries) == 0


def test_a_replaced_secret_is_looked_up_once() -> None:
    member = make_member()
    program = make_program(member)
    clients.rotate_secret(client=program.row, actor=actor(member), overlap_seconds=0)
    past_the_limit(program.id)
    assert guessed(program.id, program.secret) == ([429] * LIMIT, 1)


def test_a_secret_that_is_valid_for_another_client_is_looked_up_once(importer: Program) -> None:
    past_the_limit(importer.id)
    assert guessed(importer.id, make_program().secret) == ([429] * LIMIT, 1)


def test_a_secret_of_an_earlier_version_is_valid_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(tagged, "new", without_code)
        old = make_program()
    old.grant()
    past_the_limit(old.id)
    assert guessed(old.id, old.secret) == ([429] * LIMIT, 0)


def test_guessed_refresh_tokens_cost_no_query_and_real_ones_pass(importer: Program) -> None:
    real = importer.grant()["refresh_token"]
    past_the_limit(importer.id)
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            assert importer.refresh(without_code(refresh_tokens.PREFIX)).status_code == 429
        assert len(queries) == 0
        real = ok(importer.refresh(real))["refresh_token"]


def test_a_refresh_by_the_clients_id_alone_passes(importer: Program) -> None:
    program = make_program(refresh_auth=RefreshAuth.ROTATION_ONLY)
    real = program.grant()["refresh_token"]
    past_the_limit(program.id)
    ok(ask(grant_type="refresh_token", refresh_token=real, client_id=program.id))


def test_a_new_secret_has_the_length_of_earlier_ones_and_a_code(importer: Program) -> None:
    assert len(importer.secret) == len(without_code())
    assert opaque.digest(importer.secret) == importer.row.secrets.get().digest
    assert tagged.has_valid_code(importer.secret)
