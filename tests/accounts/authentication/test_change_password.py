"""Changing one's own password."""

from __future__ import annotations

import pytest
from django.conf import settings

from accounts.models import User
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    is_signed_in,
    login_json,
    make_person,
    sign_in,
)
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import proving

pytestmark = pytest.mark.django_db
PAGE = "/accounts/password/change/"
CHANGE = {"oldpassword": PASSWORD, "password1": OTHER_PASSWORD}


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser(person: User) -> MailingClient:
    browser = MailingClient()
    sign_in(browser)
    return browser


def test_every_other_session_and_grant_ends(browser: MailingClient) -> None:
    other, program = MailingClient(), MailingClient()
    sign_in(other)
    access = login_json(program, "ann@example.com").json()["access_token"]
    assert browser.post(PAGE, CHANGE).status_code == 302
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    whoami = program.get("/api/auth/whoami", headers={"Authorization": f"Bearer {access}"})
    assert whoami.status_code == 401
    assert login_json(program, "ann@example.com", OTHER_PASSWORD).status_code == 200


def test_the_owner_is_told_once(browser: MailingClient) -> None:
    browser.post(PAGE, CHANGE)
    assert last_mail().subject == "Your password was changed"
    assert last_mail().to == ["ann@example.com"]


def test_links_that_were_mailed_before_die(browser: MailingClient) -> None:
    browser.send_json("/v1/auth/password-reset", {"email": "ann@example.com"})
    path = path_of(last_mail())
    browser.post(PAGE, CHANGE)
    assert MailingClient().get(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"oldpassword": "wrong wrong wrong"}, b"oldpassword-errors"),
        ({"password1": "short"}, b"password1-errors"),
        ({"password1": "tessera12345"}, b"password1-errors"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    browser: MailingClient, person: User, change: dict[str, str], field: bytes
) -> None:
    response = browser.post(PAGE, CHANGE | change)
    assert b'id="' + field in response.content
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_the_current_password_cannot_be_guessed_here(browser: MailingClient, person: User) -> None:
    for _ in range(settings.SIGN_INS_PER_ACCOUNT):
        browser.post(PAGE, CHANGE | {"oldpassword": "wrong wrong wrong"})
    assert b"Too many tries" in browser.post(PAGE, CHANGE).content
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_who_has_no_password_sets_one(browser: MailingClient, person: User) -> None:
    person.set_unusable_password()
    person.save()
    browser.force_login(person)
    assert browser.get(PAGE)["Location"] == "/accounts/password/set/"
    proving(browser, person, method="socialaccount", provider="google")
    browser.post("/accounts/password/set/", {"password1": OTHER_PASSWORD})
    person.refresh_from_db()
    assert person.check_password(OTHER_PASSWORD)


@pytest.mark.parametrize("method", ["", "mail"])
def test_a_first_password_takes_a_recent_proof(browser: MailingClient, person: User, method: str) -> None:
    person.set_unusable_password()
    person.save()
    browser.force_login(person)
    if method:
        proving(browser, person, method=method)
    response = browser.post("/accounts/password/set/", {"password1": OTHER_PASSWORD})
    assert response["Location"].startswith("/accounts/password/reset/")
    person.refresh_from_db()
    assert not person.has_usable_password()
