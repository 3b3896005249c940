"""Signing in by a mailed link, on the pages and by JSON."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.utils import timezone

from accounts.models import MailedClaim, User
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    is_signed_in,
    make_person,
    sign_up_on_page,
)
from tests.accounts.authentication.test_mfa import code_of
from tests.support.mails import MailingClient, last_mail, link_of, path_of, secret_of
from tests.support.people import make_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser() -> MailingClient:
    return MailingClient()


def ask(browser: MailingClient, email: str = "ann@example.com") -> str:
    assert browser.send_json("/v1/auth/magic-link", {"email": email}).status_code == 202
    return secret_of(last_mail())


def verify(browser: MailingClient, token: str, **more: str):
    return browser.send_json("/v1/auth/magic-link/verify", {"token": token} | more)


def test_the_mailed_secret_signs_in_by_json(person: User, browser: MailingClient) -> None:
    response = verify(browser, ask(browser))
    body = response.json()
    assert response.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["user"]["email"] == "ann@example.com"
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert browser.get("/api/auth/whoami", headers=bearer).json()["userId"] == person.public_id


def test_the_page_signs_in_by_a_press_of_its_button(person: User, browser: MailingClient) -> None:
    asked = browser.post("/accounts/magic-link/", {"email": "ann@example.com"})
    assert asked["Location"] == "/accounts/magic-link/sent/"
    path = path_of(last_mail())
    assert "/accounts/magic-link/" in link_of(last_mail())
    for _ in range(2):
        assert browser.get(path).status_code == 200
    assert not is_signed_in(browser)
    assert browser.post(path)["Location"] == "/settings/tokens/"
    assert is_signed_in(browser)


def test_a_link_works_once_at_either_door(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    assert verify(browser, token).status_code == 200
    again = verify(browser, token)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_link")
    assert browser.post(path_of(last_mail())).status_code == 404


def test_only_the_newest_link_works(person: User, browser: MailingClient) -> None:
    first, second = ask(browser), ask(browser)
    assert verify(browser, first).status_code == 400
    assert verify(browser, second).status_code == 200


def test_a_link_lives_ten_minutes(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    link = MailedClaim.objects.get()
    assert link.expires_at - link.created_at == timedelta(minutes=10)
    MailedClaim.objects.update(expires_at=timezone.now())
    assert verify(browser, token).status_code == 400


def test_the_second_factor_is_asked_for_as_well(person: User, browser: MailingClient) -> None:
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    token = ask(browser)
    missing = verify(browser, token)
    assert (missing.status_code, missing.json()["code"]) == (401, "mfa_required")
    wrong = verify(browser, token, code="000000")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_code")
    assert verify(browser, token, code=code_of(secret)).status_code == 200


def test_the_page_asks_for_the_second_factor_as_well(person: User, browser: MailingClient) -> None:
    TOTP.activate(person, generate_totp_secret())
    ask(browser)
    assert browser.post(path_of(last_mail()))["Location"] == "/accounts/2fa/authenticate/"
    assert not is_signed_in(browser)


def test_a_sign_up_that_waits_gets_a_link_that_opens_an_account_without_its_password(
    browser: MailingClient,
) -> None:
    make_plan()
    sign_up_on_page(MailingClient())
    response = verify(browser, ask(browser, "new@example.com"))
    assert (response.status_code, response.json()["user"]["name"]) == (200, "new")
    user = User.objects.get()
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(user=user).verified
    assert user.memberships.get().organization.name == "new's organization"


def test_on_the_page_such_a_link_asks_for_a_password(browser: MailingClient) -> None:
    make_plan()
    sign_up_on_page(MailingClient())
    ask(browser, "new@example.com")
    path = path_of(last_mail())
    assert b"New password" in browser.get(path).content
    assert browser.post(path).status_code == 400
    assert browser.post(path, {"password": OTHER_PASSWORD})["Location"] == "/settings/tokens/"
    user = User.objects.get()
    assert (user.check_password(OTHER_PASSWORD), user.check_password(PASSWORD)) == (True, False)


def test_an_unproven_account_is_proven_and_loses_its_password(person: User, browser: MailingClient) -> None:
    EmailAddress.objects.update(verified=False)
    assert verify(browser, ask(browser)).status_code == 200
    person.refresh_from_db()
    assert not person.has_usable_password()
    assert EmailAddress.objects.get().verified


def test_an_unknown_address_is_told_by_mail_alone(person: User, browser: MailingClient) -> None:
    known = browser.send_json("/v1/auth/magic-link", {"email": "ann@example.com"})
    unknown = browser.send_json("/v1/auth/magic-link", {"email": "no@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert last_mail().subject == "There is no account for this address"
    assert link_of(last_mail()).endswith("/accounts/signup/")


def test_a_person_without_an_organization_keeps_the_link(browser: MailingClient) -> None:
    person = make_person()
    person.memberships.all().delete()
    token = ask(browser)
    assert verify(browser, token).json()["code"] == "no_membership"
    assert MailedClaim.objects.get().used_at is None


@pytest.mark.parametrize("token", ["", "a" * 43, "ä" * 43, "x" * 101, 7, None, ["a"]])
def test_other_tokens_are_refused(person: User, browser: MailingClient, token: object) -> None:
    assert browser.send_json("/v1/auth/magic-link/verify", {"token": token}).status_code == 400


def test_three_mails_an_hour_go_to_an_address(person: User, browser: MailingClient) -> None:
    for _ in range(5):
        browser.send_json("/v1/auth/magic-link", {"email": "Ann@Example.com"})
    assert len(mail.outbox) == 3
