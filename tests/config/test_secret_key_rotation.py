"""Rotating SECRET_KEY as config/README.md says: whatever the old key signed goes on, server by server."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from accounts.authentication import browser_sessions
from accounts.models import User
from tests.accounts.authentication.flows import PASSWORD, is_signed_in, make_person, sign_in
from tests.accounts.authentication.test_mfa import code_of, turn_on
from tests.support.clients import program
from tests.support.mails import MailingClient
from tests.support.people import make_member, make_token

pytestmark = pytest.mark.django_db
OLD, NEW = "the-old-secret-key-" * 4, "a-new-secret-key-of-ours-" * 3
# The settings of each step in config/README.md: add the fallback, use the new key, drop the old one.
BEFORE = {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": []}
PREPARED = {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": [NEW]}
ROTATED = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": [OLD]}
AFTER = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": []}


@pytest.fixture
def person(db: None) -> User:
    return make_person()


def start(settings: Settings, server: dict[str, Any]) -> None:
    for name, value in server.items():
        setattr(settings, name, value)


def test_a_browser_stays_signed_in_between_old_and_new_servers(person: User, settings: Settings) -> None:
    start(settings, BEFORE)
    browser = MailingClient()
    sign_in(browser)
    for server in (PREPARED, ROTATED, PREPARED, ROTATED, AFTER):
        start(settings, server)
        assert is_signed_in(browser)


def test_a_sign_in_that_waits_for_its_code_goes_on(person: User, settings: Settings) -> None:
    start(settings, PREPARED)
    browser, guest = MailingClient(), MailingClient()
    sign_in(browser)
    secret = turn_on(browser)
    sign_in(guest)
    start(settings, ROTATED)
    guest.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert is_signed_in(guest)


def test_an_open_form_is_still_accepted(person: User, settings: Settings) -> None:
    start(settings, PREPARED)
    browser = MailingClient(enforce_csrf_checks=True)
    page = browser.get("/accounts/login/").content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    start(settings, ROTATED)
    form = {"login": person.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", form).status_code == 302
    assert is_signed_in(browser)


def test_a_cursor_of_a_list_goes_on(settings: Settings) -> None:
    start(settings, PREPARED)
    owner = make_member()
    api = program(make_token(owner, permissions=["*:*:*"]))
    for number in range(3):
        make_token(owner, name=f"token {number}")
    following = api.get("/api/v1/tokens?limit=2").json()["next"]
    start(settings, ROTATED)
    assert api.get(following).status_code == 200


def test_a_browser_that_met_the_new_key_is_listed_and_can_be_signed_out(
    person: User, settings: Settings
) -> None:
    start(settings, PREPARED)
    first, second = MailingClient(), MailingClient()
    sign_in(first)
    sign_in(second)
    start(settings, ROTATED)
    assert is_signed_in(first)
    assert is_signed_in(second)
    assert len(browser_sessions.of_user(person)) == 2
    first.post("/settings/security/end-others/")
    assert is_signed_in(first)
    assert not is_signed_in(second)
