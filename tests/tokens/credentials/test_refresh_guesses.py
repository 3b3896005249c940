"""Guessed refresh tokens past an address's limit cost no query each, and honest refreshes pass."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Membership
from tests.support.sessions import make_person, opened, refresh
from tokens.api.sessions import login
from tokens.credentials import refusal_limits
from tokens.crypto import opaque, tagged
from tokens.grants import refresh_tokens
from tokens.models import GrantKind
from tokens.sessions import sessions

pytestmark = pytest.mark.django_db
LIMIT = 5


@pytest.fixture(autouse=True)
def _few(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REFUSALS_PER_MINUTE = LIMIT
    # However slow the machine is, a test takes place within one look-up's time.
    monkeypatch.setattr(refusal_limits, "LOOKUP_SECONDS", 3600.0)
    monkeypatch.setattr(refusal_limits, "REFUSED_SECONDS", 3600.0)


@pytest.fixture
def ada() -> Membership:
    return make_person(email="ada@example.com")


def without_code(prefix: str = refresh_tokens.PREFIX) -> str:
    return prefix + opaque.random_text(opaque.PREFIXED_LENGTH)


def guessed(tries: int) -> tuple[list[int], int]:
    """The statuses of so many guesses, and how many of them were looked up."""
    with CaptureQueriesContext(connection) as queries:
        statuses = [refresh(without_code()).status_code for _ in range(tries)]
    return statuses, sum('FROM "tokens_refreshtoken"' in one["sql"] for one in queries)


def past_the_limit() -> None:
    statuses, lookups = guessed(LIMIT + 1)
    assert (statuses, lookups) == ([401] * LIMIT + [429], LIMIT + 1)


def password_grant(raw: str, key: str) -> Any:
    path, body = "/auth/v1/token?grant_type=refresh_token", {"refresh_token": raw}
    return Client(headers={"apikey": key}).post(path, body, content_type="application/json")


def test_twenty_refreshes_pass_between_two_hundred_guesses_of_which_one_is_looked_up(ada: Membership) -> None:
    past_the_limit()
    honest, statuses, lookups = [], [], 0
    for tokens in [opened(ada) for _ in range(20)]:
        found, cost = guessed(10)
        statuses, lookups = statuses + found, lookups + cost
        honest.append(refresh(tokens.refresh_token).status_code)
    assert (honest, set(statuses), lookups) == ([200] * 20, {429}, 1)


def test_each_process_looks_one_guess_up_when_it_learns_of_the_limit_and_one_after(
    ada: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_the_limit()
    for process in (refusal_limits.RefusalLimiter(), refusal_limits.RefusalLimiter()):
        monkeypatch.setattr(login, "refusal_limiter", process)
        assert guessed(10) == ([429] * 10, 2)
        assert refresh(opened(ada).refresh_token).status_code == 200


def test_the_successor_of_a_refresh_passes_as_well(ada: Membership) -> None:
    past_the_limit()
    raw = opened(ada).refresh_token
    for _ in range(3):
        response = refresh(raw)
        assert response.status_code == 200
        raw = response.json()["refresh_token"]


def test_the_password_grants_refresh_passes_with_its_publishable_key(ada: Membership) -> None:
    past_the_limit()
    key = ada.organization.publishable_key
    for _ in range(3):
        assert password_grant(opened(ada, GrantKind.PASSWORD).refresh_token, key).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        raw = opened(ada, GrantKind.PASSWORD).refresh_token
        before = len(queries)
        answers = [password_grant(raw, "tsr_pk_" + "A" * 43).status_code for _ in range(5)]
    assert answers == [429] * 5
    assert len(queries) - before == 1


def test_a_token_that_has_ended_is_looked_up_once(ada: Membership) -> None:
    past_the_limit()
    tokens = opened(ada)
    sessions.end(user_id=ada.user_id, grant_id=tokens.grant.pk)
    with CaptureQueriesContext(connection) as queries:
        assert [refresh(tokens.refresh_token).status_code for _ in range(5)] == [429] * 5
    assert sum("FOR NO KEY UPDATE" in one["sql"] for one in queries) == 1


def test_a_token_of_an_earlier_version_gets_the_one_look_up_that_guesses_share(
    ada: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_the_limit()
    monkeypatch.setattr(tagged, "new", without_code)
    old = [opened(ada).refresh_token for _ in range(2)]
    assert [refresh(raw).status_code for raw in old] == [200, 429]


def test_a_code_holds_under_earlier_keys(ada: Membership, settings: Settings) -> None:
    raw, other = tagged.new("tsr_rt_"), settings.SECRET_KEY
    assert len(raw) == len(without_code())
    assert tagged.has_valid_code(raw)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key-" * 6, [other]
    assert tagged.has_valid_code(raw)
    settings.SECRET_KEY_FALLBACKS = []
    assert not tagged.has_valid_code(raw)


@pytest.mark.parametrize("place", [0, 7, 41, 42, 49])
def test_one_changed_character_makes_a_secret_no_more_ours(place: int) -> None:
    raw = tagged.new("tsr_rt_")
    changed = raw[:place] + ("a" if raw[place] != "a" else "b") + raw[place + 1 :]
    assert not tagged.has_valid_code(changed)
