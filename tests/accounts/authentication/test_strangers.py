"""Strangers guess for STRANGER_QUARTERS quarters of an hour, and the owner signs in all the while: from a
known browser, a known network, and a new one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from pytest_django import Settings

from accounts.models import User
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    is_signed_in,
    login_json,
    make_person,
    sign_in,
)
from tests.accounts.authentication.strangers import EMAIL, HOME, OFFICE, WRONG, guess, home, person, stranger
from tests.accounts.authentication.test_mfa import code_of
from tests.support.mails import MailingClient, last_mail, path_of, secret_of
from tests.support.threads import at_once

__all__ = ["home", "person"]
pytestmark = pytest.mark.django_db
QUARTERS = int(os.environ.get("STRANGER_QUARTERS", "2"))


def grant(browser: MailingClient, password: str = PASSWORD) -> Any:
    body = {"email": EMAIL, "password": password}
    return browser.send_json("/auth/v1/token?grant_type=password", body)


def newcomer(numbers: Iterator[int]) -> MailingClient:
    """The owner's browser or program at a network that was never seen before."""
    return MailingClient(REMOTE_ADDR=f"203.0.113.{next(numbers)}")


@pytest.fixture
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Python's clock, which is stepped, is the limits' clock as well."""
    settings.REDIS_URL = ""
    monkeypatch.setattr("ratelimit.sql.limits.clock", time.time)
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def add_factor(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def test_a_stranger_of_one_network_keeps_the_owner_out_nowhere(
    home: MailingClient, person: User, clock: Any
) -> None:
    numbers = iter(range(1, 250))
    for _ in range(QUARTERS):
        assert guess(0) == [401] * 10 + [429] * 2
        assert login_json(newcomer(numbers), EMAIL).status_code == 200
        assert grant(newcomer(numbers)).status_code == 200
        for browser in (home, newcomer(numbers)):
            sign_in(browser)
            assert is_signed_in(browser)
            browser.post("/accounts/logout/")
        clock.shift(900)


def test_strangers_of_many_networks_keep_known_ones_out_nowhere(
    home: MailingClient, person: User, clock: Any
) -> None:
    office = MailingClient(REMOTE_ADDR=OFFICE)
    assert login_json(office, EMAIL).status_code == 200
    for _ in range(QUARTERS):
        assert sum(guess(number, 10).count(401) for number in range(1, 13)) == 100
        # The ceiling holds for all whom the account does not know, whatever the password.
        assert guess(100, 1, PASSWORD) == [429]
        assert login_json(office, EMAIL).status_code == 200
        assert grant(office).status_code == 200
        sign_in(home)
        assert is_signed_in(home)
        home.post("/accounts/logout/")
        clock.shift(900)


def test_a_mailed_link_opens_a_new_device_all_the_while(person: User, clock: Any) -> None:
    secret, numbers = add_factor(person), iter(range(1, 250))
    for _ in range(QUARTERS):
        for number in range(12):
            guess(number, 10)
            for path in ("magic-link", "password-reset"):
                stranger(number % 6).send_json(f"/v1/auth/{path}", {"email": EMAIL})
        mail.outbox.clear()
        device = newcomer(numbers)
        device.send_json("/v1/auth/magic-link", {"email": EMAIL})
        link = secret_of(last_mail())
        opened = device.send_json("/v1/auth/magic-link/verify", {"token": link, "code": code_of(secret)})
        assert opened.status_code == 200
        clock.shift(900)


def test_a_reset_lets_the_new_password_in_at_once(person: User, clock: Any) -> None:
    for number in range(12):
        guess(number, 10)
        stranger(number % 6).send_json("/v1/auth/password-reset", {"email": EMAIL})
    device = MailingClient(REMOTE_ADDR=HOME)
    assert login_json(device, EMAIL).status_code == 429
    mail.outbox.clear()
    device.post("/accounts/password/reset/", {"email": EMAIL})
    device.post(path_of(last_mail()), {"password": OTHER_PASSWORD})
    assert login_json(MailingClient(REMOTE_ADDR=OFFICE), EMAIL, OTHER_PASSWORD).status_code == 200
    for number in range(12):
        guess(number, 10)
    assert login_json(device, EMAIL, OTHER_PASSWORD).status_code == 200


def test_wrong_passwords_use_up_no_codes_and_codes_no_passwords(person: User) -> None:
    secret = add_factor(person)
    device = MailingClient(REMOTE_ADDR=HOME)
    for _ in range(9):
        login_json(device, EMAIL, WRONG)
    for _ in range(10):
        assert login_json(device, EMAIL, code="000000").json()["code"] == "invalid_code"
    assert login_json(device, EMAIL, code=code_of(secret)).status_code == 429
    assert login_json(device, EMAIL).json()["code"] == "mfa_required"


def test_wrong_codes_after_the_right_password_are_mailed_once(person: User) -> None:
    add_factor(person)
    mail.outbox.clear()
    for number in range(3):
        for _ in range(4):
            login_json(stranger(number), EMAIL, code="000000")
    assert [message.subject for message in mail.outbox] == ["Wrong codes were entered for your account"]
    assert mail.outbox[0].to == [EMAIL]


def test_codes_have_a_ceiling_too(person: User, settings: Settings) -> None:
    settings.CODES_EVERYWHERE = 5
    add_factor(person)
    found = [login_json(stranger(number), EMAIL, code="000000").status_code for number in range(7)]
    assert found == [401] * 5 + [429] * 2


def test_whoever_reads_the_mail_gets_no_more_codes_by_resets(person: User, settings: Settings) -> None:
    settings.CODES_EVERYWHERE = 5
    add_factor(person)
    statuses = []
    for number in range(3):
        browser, password = stranger(number), f"nine quiet lanterns drift past {number}"
        browser.send_json("/v1/auth/password-reset", {"email": EMAIL})
        body = {"token": secret_of(last_mail()), "password": password}
        assert browser.send_json("/v1/auth/password-reset/confirm", body).status_code == 204
        statuses += [login_json(browser, EMAIL, password, code="000000").status_code for _ in range(4)]
    assert statuses == [401] * 5 + [429] * 7


def test_the_ceiling_of_codes_is_that_of_a_day(person: User, settings: Settings, clock: Any) -> None:
    settings.CODES_EVERYWHERE = 2
    add_factor(person)

    def status(number: int) -> int:
        return login_json(stranger(number), EMAIL, code="000000").status_code

    assert [status(number) for number in range(3)] == [401, 401, 429]
    clock.shift(timedelta(hours=23))
    assert status(4) == 429
    clock.shift(timedelta(hours=2))
    assert status(5) == 401


def test_a_client_with_a_whole_48_does_not_reach_the_ceiling(person: User) -> None:
    found = [
        login_json(MailingClient(REMOTE_ADDR=f"2001:db8:1:{number:x}::1"), EMAIL, WRONG).status_code
        for number in range(50)
    ]
    assert found == [401] * 40 + [429] * 10
    assert guess(0, 1) == [401]


def test_clients_without_a_readable_address_lock_only_the_account_they_guess(
    person: User, settings: Settings
) -> None:
    settings.TRUSTED_PROXY_COUNT, settings.SIGN_INS_PER_ADDRESS = 1, 5
    nameless = MailingClient(HTTP_X_FORWARDED_FOR="_hidden")
    for number in range(8):
        assert login_json(nameless, f"person{number}@example.com", WRONG).status_code == 401
    assert login_json(nameless, EMAIL).status_code == 200


def test_clients_without_a_readable_address_share_one_window_of_an_account(
    person: User, settings: Settings
) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    nameless = MailingClient(HTTP_X_FORWARDED_FOR="_hidden")
    found = [login_json(nameless, EMAIL, WRONG).status_code for _ in range(12)]
    assert found == [401] * 10 + [429] * 2
    named = MailingClient(HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert login_json(named, EMAIL).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_from_many_networks_are_looked_at_as_often_as_the_ceiling_says(
    settings: Settings,
) -> None:
    settings.SIGN_INS_EVERYWHERE, settings.SIGN_INS_PER_ACCOUNT = 15, 4
    make_person(EMAIL)
    tasks = [lambda n=number: guess(n % 5, 1)[0] for number in range(40)]
    assert sorted(map(str, at_once(tasks))) == ["401"] * 15 + ["429"] * 25
