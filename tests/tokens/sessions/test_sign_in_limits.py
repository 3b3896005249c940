"""Guessing: failures count for account and address at every endpoint, before the password is checked."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory

from accounts.authentication import throttling
from tests.support.people import PASSWORD
from tests.support.sessions import login, make_person
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
WRONG = "a-wrong-passphrase"


def fail(times: int, email: str = "ada@example.com", **client: Any) -> list[int]:
    return [login(email, WRONG, Client(**client)).status_code for _ in range(times)]


def test_the_eleventh_failure_is_not_looked_at() -> None:
    make_person(email="ada@example.com")
    assert fail(11) == [401] * 10 + [429]
    response = login("ada@example.com")
    assert response.status_code == 429
    body = response.json()
    wait = body.pop("retry_after")
    assert body == {"error": "Rate limit exceeded", "code": "rate_limited"}
    # The window began with the first failure.
    assert 600 <= wait <= 900
    assert response["Retry-After"] == str(wait)


def test_an_account_that_does_not_exist_is_limited_alike() -> None:
    assert fail(11, "nobody@example.com") == [401] * 10 + [429]


@pytest.mark.parametrize(
    "spelled", ["ADA@EXAMPLE.COM", "ａｄａ@example.com", " ada@example.com", "ada@example.com\u2003"]
)
def test_spellings_of_one_address_share_a_counter(spelled: str) -> None:
    assert throttling.account(spelled) == throttling.account("ada@example.com")


@pytest.mark.parametrize(
    ("one", "other"), [("ſam@x.example", "sam@x.example"), ("ıan@x.example", "ian@x.example")]
)
def test_so_do_those_that_a_database_may_take_for_equal(one: str, other: str) -> None:
    assert throttling.account(one) == throttling.account(other)


def test_a_store_that_is_flushed_gives_no_further_try(redis_client: redis.Redis) -> None:
    fail(10)
    redis_client.flushdb()
    assert fail(1) == [429]


def test_every_door_counts_in_the_same_windows() -> None:
    make_person(email="ada@example.com")
    fail(4)
    for _ in range(3):
        body = {"email": "ADA@example.com", "password": WRONG}
        Client().post("/auth/v1/token?grant_type=password", body, content_type="application/json")
        Client().post("/accounts/login/", {"login": "ada@example.com", "password": WRONG})
    assert login("ada@example.com").status_code == 429
    page = Client().post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
    assert page.status_code == 200
    assert "Too many tries. Try again in 15 minutes." in page.content.decode()
    granted = Client().post(
        "/auth/v1/token?grant_type=password",
        {"email": "ada@example.com", "password": PASSWORD},
        content_type="application/json",
    )
    assert granted.status_code == 429
    request = RequestFactory().post("/admin/login/")
    with pytest.raises(ValidationError):
        authenticate(request, username="ada@example.com", password=PASSWORD)


def test_successes_use_nothing_up_and_forgive_nothing() -> None:
    make_person(email="ada@example.com")
    assert fail(9) == [401] * 9
    assert [login("ada@example.com").status_code for _ in range(12)] == [200] * 12
    assert fail(2) == [401, 429]


def test_one_account_signs_in_so_often_in_a_minute_and_then_hashes_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGN_INS_PER_MINUTE = 3
    make_person(email="ada@example.com")
    make_person(email="grace@example.com")
    assert fail(5) == [401] * 5
    assert [login("ada@example.com").status_code for _ in range(3)] == [200] * 3
    assert login("grace@example.com").status_code == 200
    monkeypatch.setattr("accounts.models.User.check_password", None)
    response = login("ada@example.com")
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60


def test_a_success_does_not_clear_the_failures_of_its_address(settings: Any) -> None:
    settings.SIGN_INS_PER_ADDRESS = 5
    make_person(email="ada@example.com")
    for number in range(4):
        fail(1, f"person{number}@example.com")
    assert login("ada@example.com").status_code == 200
    assert fail(2, "another@example.com") == [401, 429]
    assert login("ada@example.com").status_code == 429
    assert login("ada@example.com", client=Client(REMOTE_ADDR="192.0.2.9")).status_code == 200


def test_an_office_whose_people_sign_in_is_not_locked_out(settings: Any) -> None:
    settings.SIGN_INS_PER_ADDRESS = 3
    people = [make_person(email=f"colleague{number}@example.com").user.email for number in range(8)]
    assert [login(email).status_code for email in people] == [200] * 8


def test_tries_at_a_locked_account_do_not_lock_its_address(settings: Any) -> None:
    settings.SIGN_INS_PER_ADDRESS = 15
    make_person(email="ada@example.com")
    make_person(email="grace@example.com")
    fail(40)
    assert login("grace@example.com").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_hundred_parallel_guesses_are_looked_at_ten_times() -> None:
    make_person(email="ada@example.com")
    statuses = at_once([lambda: login("ada@example.com", WRONG).status_code] * 100)
    assert sorted(map(str, statuses)) == ["401"] * 10 + ["429"] * 90


def test_a_password_is_not_hashed_past_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    make_person(email="ada@example.com")
    fail(10)

    def fault(*_: Any, **__: Any) -> None:
        raise AssertionError("The password was looked at.")

    monkeypatch.setattr("accounts.models.User.check_password", fault)
    monkeypatch.setattr("accounts.models.User.set_password", fault)
    assert fail(1) == [429]
