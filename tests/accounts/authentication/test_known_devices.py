"""Browsers and networks that an account has signed in from before have windows of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.authentication import known_devices
from accounts.authentication.known_devices import NETWORK_DAYS
from accounts.models import KnownNetwork, User
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    login_json,
    make_person,
    sign_in,
)
from tests.accounts.authentication.strangers import EMAIL, HOME, OFFICE, WRONG, guess, home, person, stranger
from tests.support.mails import MailingClient, last_mail, path_of

__all__ = ["home", "person"]
pytestmark = pytest.mark.django_db


def test_a_forged_cookie_or_anothers_is_no_known_browser(home: MailingClient, person: User) -> None:
    make_person("other@example.com")
    other = stranger(1)
    sign_in(other, "other@example.com")
    forged = stranger(2)
    forged.cookies["device"] = home.cookies["device"].value[:-1] + "x"
    for browser in (other, forged):
        statuses = [login_json(browser, EMAIL, WRONG).status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]


def test_the_cookie_of_another_account_does_not_escape_the_ceiling(person: User, settings: Settings) -> None:
    settings.SIGN_INS_EVERYWHERE = 5
    make_person("other@example.com")
    other = stranger(1)
    sign_in(other, "other@example.com")
    found = [login_json(other, EMAIL, WRONG).status_code for _ in range(7)]
    assert found == [401] * 5 + [429] * 2


def test_a_network_that_was_not_used_for_long_does_not_escape_the_ceiling(
    person: User, settings: Settings
) -> None:
    settings.SIGN_INS_EVERYWHERE = 5
    address = stranger(1).defaults["REMOTE_ADDR"]
    known_devices.remember_network(person, address, timezone.now() - timedelta(days=NETWORK_DAYS))
    assert guess(1, 7) == [401] * 5 + [429] * 2
    known_devices.remember_network(person, address)
    assert guess(1, 1) == [401]


def test_a_new_password_makes_the_browsers_and_networks_of_the_one_before_unknown(
    home: MailingClient, settings: Settings
) -> None:
    settings.SIGN_INS_EVERYWHERE = 3
    owner = MailingClient(REMOTE_ADDR=OFFICE)
    owner.post("/accounts/password/reset/", {"email": EMAIL})
    owner.post(path_of(last_mail()), {"password": OTHER_PASSWORD})
    program = MailingClient(REMOTE_ADDR=HOME)
    found = [login_json(device, EMAIL, WRONG).status_code for device in (home, program) for _ in range(3)]
    assert found == [401] * 3 + [429] * 3
    assert login_json(owner, EMAIL, OTHER_PASSWORD).status_code == 200


def test_the_browser_that_changes_the_password_stays_known_and_its_network_too(
    person: User, settings: Settings
) -> None:
    settings.SIGN_INS_EVERYWHERE = 3
    owner, program = MailingClient(REMOTE_ADDR=HOME), MailingClient(REMOTE_ADDR=HOME)
    sign_in(owner)
    owner.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": OTHER_PASSWORD})
    owner.defaults["REMOTE_ADDR"] = OFFICE
    assert guess(0, 4) == [401] * 3 + [429]
    for device in (owner, program):
        assert login_json(device, EMAIL, OTHER_PASSWORD).status_code == 200


def test_a_known_browser_guesses_no_more_than_ten_times(home: MailingClient) -> None:
    pages = [sign_in(home, EMAIL, WRONG).content.decode() for _ in range(12)]
    assert ["Too many tries" in page for page in pages] == [False] * 10 + [True] * 2


def test_the_cookie_of_a_browser_is_no_scripts_business(home: MailingClient) -> None:
    cookie = home.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert EMAIL not in cookie.value


def test_networks_that_were_not_used_for_long_are_forgotten(person: User) -> None:
    login_json(MailingClient(REMOTE_ADDR=HOME), EMAIL)
    assert [one.network for one in KnownNetwork.objects.all()] == [HOME]
    for number in range(30):
        login_json(stranger(number), EMAIL)
    assert KnownNetwork.objects.count() == 20
    assert not KnownNetwork.objects.filter(network=HOME).exists()
