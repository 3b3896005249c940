"""A forgotten password, on the pages and by JSON."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from accounts.models import MailedClaim, User
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    is_signed_in,
    login_json,
    make_person,
    sign_in,
    sign_up_on_page,
)
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
    assert browser.send_json("/v1/auth/password-reset", {"email": email}).status_code == 202
    return secret_of(last_mail())


def confirm(browser: MailingClient, token: str, password: str = OTHER_PASSWORD):
    return browser.send_json("/v1/auth/password-reset/confirm", {"token": token, "password": password})


def test_the_mailed_secret_sets_a_new_password_by_json(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    assert "/accounts/password/reset/key/" in link_of(last_mail())
    assert confirm(browser, token).status_code == 204
    person.refresh_from_db()
    assert person.check_password(OTHER_PASSWORD)


def test_the_pages_do_the_same(person: User, browser: MailingClient) -> None:
    asked = browser.post("/accounts/password/reset/", {"email": " Ann@Example.com"})
    assert asked["Location"] == "/accounts/password/reset/done/"
    path = path_of(last_mail())
    page = browser.get(path)
    assert b"ann@example.com" in page.content
    assert page["Referrer-Policy"] == "no-referrer"
    response = browser.post(path, {"password": OTHER_PASSWORD})
    assert response["Location"] == "/accounts/login/"
    assert not is_signed_in(browser)
    assert sign_in(browser, password=OTHER_PASSWORD)["Location"] == "/settings/tokens/"


def test_every_session_and_grant_ends(person: User, browser: MailingClient) -> None:
    inside = MailingClient()
    sign_in(inside)
    tokens = login_json(browser, "ann@example.com").json()
    assert is_signed_in(inside)
    confirm(browser, ask(browser))
    assert not is_signed_in(inside)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert browser.get("/api/auth/whoami", headers=bearer).status_code == 401
    refreshed = browser.send_json("/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401


def test_the_owner_is_told(person: User, browser: MailingClient) -> None:
    confirm(browser, ask(browser))
    assert last_mail().subject == "Your password was changed"
    assert last_mail().to == ["ann@example.com"]


def test_a_link_works_once(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    confirm(browser, token)
    again = confirm(browser, token, "yet another long one here")
    assert (again.status_code, again.json()["code"]) == (400, "invalid_link")
    person.refresh_from_db()
    assert person.check_password(OTHER_PASSWORD)


def test_only_the_newest_link_works(person: User, browser: MailingClient) -> None:
    first = ask(browser)
    second = ask(browser)
    assert confirm(browser, first).status_code == 400
    assert confirm(browser, second).status_code == 204


def test_a_link_lives_an_hour(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    link = MailedClaim.objects.get()
    assert link.expires_at - link.created_at == timedelta(hours=1)
    MailedClaim.objects.update(expires_at=timezone.now())
    assert confirm(browser, token).status_code == 400


def test_a_refused_password_uses_nothing_up(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    refused = confirm(browser, token, "tessera12345")
    assert refused.status_code == 400
    assert refused.json()["fields"]["password"]
    assert confirm(browser, token).status_code == 204


def test_another_kind_of_link_resets_nothing(person: User, browser: MailingClient) -> None:
    browser.send_json("/v1/auth/magic-link", {"email": "ann@example.com"})
    assert confirm(browser, secret_of(last_mail())).status_code == 400


def test_a_link_dies_with_the_address_it_went_to(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    User.objects.filter(pk=person.pk).update(email="moved@example.com")
    assert confirm(browser, token).status_code == 400


def test_a_link_dies_with_a_deactivation_in_the_database(person: User, browser: MailingClient) -> None:
    token = ask(browser)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert confirm(browser, token).status_code == 400


def test_inactive_people_get_no_link(browser: MailingClient) -> None:
    make_person(is_active=False)
    browser.send_json("/v1/auth/password-reset", {"email": "ann@example.com"})
    assert last_mail().subject == "There is no account for this address"


def test_resetting_proves_the_address(person: User, browser: MailingClient) -> None:
    EmailAddress.objects.update(verified=False)
    confirm(browser, ask(browser))
    assert EmailAddress.objects.get().verified


def test_a_sign_up_that_waits_gets_its_account_with_the_new_password(browser: MailingClient) -> None:
    make_plan()
    sign_up_on_page(MailingClient(), password=PASSWORD)
    waiting = path_of(last_mail())
    confirm(browser, ask(browser, "new@example.com"))
    assert User.objects.get().check_password(OTHER_PASSWORD)
    assert browser.get(waiting).status_code == 404


@pytest.mark.parametrize("email", [["ann@example.com", "evil@example.com"], {"a": 1}, None, 7, ""])
def test_the_address_is_one_string(person: User, browser: MailingClient, email: object) -> None:
    assert browser.send_json("/v1/auth/password-reset", {"email": email}).status_code == 400
    assert not mail.outbox


def test_repeated_addresses_are_refused(person: User, browser: MailingClient) -> None:
    body = '{"email": "ann@example.com", "email": "evil@example.com"}'
    twice = browser.post("/v1/auth/password-reset", body, content_type="application/json")
    form = browser.post("/accounts/password/reset/", {"email": ["ann@example.com", "evil@example.com"]})
    assert (twice.status_code, form.status_code) == (400, 400)
    assert not mail.outbox


def test_three_mails_an_hour_go_to_an_address(person: User, browser: MailingClient) -> None:
    for _ in range(5):
        browser.send_json("/v1/auth/password-reset", {"email": "ann@example.com"})
    assert len(mail.outbox) == 3
    assert confirm(browser, secret_of(last_mail())).status_code == 204


@override_settings(LINKS_PER_ADDRESS=1)
def test_a_client_that_asks_too_often_is_answered_and_nothing_happens(
    person: User, browser: MailingClient
) -> None:
    ask(browser)
    response = browser.send_json("/v1/auth/password-reset", {"email": "ann@example.com"})
    assert response.status_code == 202
    assert len(mail.outbox) == 1
    assert browser.post("/accounts/password/reset/", {"email": "ann@example.com"}).status_code == 429


@override_settings(EMAIL_BACKEND="tests.accounts.notifications.broken_mail.Backend")
def test_a_broken_mail_server_is_told_to_nobody(person: User, browser: MailingClient) -> None:
    known = browser.send_json("/v1/auth/password-reset", {"email": "ann@example.com"})
    unknown = browser.send_json("/v1/auth/password-reset", {"email": "no@example.com"})
    assert (known.status_code, known.content) == (202, unknown.content)
    assert sign_up_on_page(browser).status_code == 302


def test_a_password_is_checked_against_its_person(person: User, browser: MailingClient) -> None:
    assert confirm(browser, ask(browser), "ann@example.com").status_code == 400
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
