"""The link that proves an address: single use, newest only, and no scanner uses it up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone

from accounts.models import MailedClaim, Membership, User
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    is_signed_in,
    make_person,
    sign_in,
    sign_up_on_page,
)
from tests.support.mails import MailingClient, last_mail, path_of, secret_of
from tests.support.people import make_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(db: None) -> MailingClient:
    make_plan()
    return MailingClient()


def test_opening_the_link_uses_nothing_up(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    path = path_of(last_mail())
    for _ in range(2):
        page = browser.get(path)
        assert page.status_code == 200
        assert b"Confirm address" in page.content
    assert not EmailAddress.objects.exists()
    browser.post(path)
    assert EmailAddress.objects.get().verified


def test_the_browser_that_signed_up_goes_straight_in(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    assert browser.post(path_of(last_mail()))["Location"] == "/settings/tokens/"
    assert is_signed_in(browser)


def test_another_browser_chooses_a_new_password(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    other, path = MailingClient(), path_of(last_mail())
    assert b"New password" in other.get(path).content
    assert b"New password" not in browser.get(path).content
    assert other.post(path).status_code == 400
    assert other.post(path, {"password": "tessera12345"}).status_code == 400
    assert other.post(path, {"password": OTHER_PASSWORD})["Location"] == "/settings/tokens/"
    user = User.objects.get()
    assert (user.check_password(OTHER_PASSWORD), user.check_password(PASSWORD)) == (True, False)


def test_a_forged_or_foreign_cookie_is_no_sign_up_of_this_browser(browser: MailingClient) -> None:
    sign_up_on_page(browser, "other@example.com")
    sign_up_on_page(MailingClient())
    assert browser.post(path_of(last_mail())).status_code == 400
    browser.cookies["signed-up"] = "forged"
    assert browser.post(path_of(last_mail())).status_code == 400


def test_each_sign_up_of_a_browser_is_its_own(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    first = path_of(last_mail())
    sign_up_on_page(browser, password=OTHER_PASSWORD)
    browser.post(first)
    assert is_signed_in(browser)
    assert User.objects.get().check_password(PASSWORD)


def test_a_link_works_once(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    path = path_of(last_mail())
    browser.post(path)
    assert MailingClient().post(path, {"password": PASSWORD}).status_code == 404
    assert Membership.objects.count() == 1


def test_a_link_expires(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    MailedClaim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.post(path_of(last_mail())).status_code == 404
    assert not User.objects.exists()


def test_dead_and_unknown_links_look_alike(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    used = path_of(last_mail())
    browser.post(used)
    guest = MailingClient()
    unknown = guest.get("/accounts/confirm-email/" + "A" * 43)
    again = guest.get(used)
    assert unknown.status_code == again.status_code == 404
    assert unknown.content == again.content


def test_signing_in_to_an_unproven_account_mails_a_link_that_asks_for_a_new_password(
    browser: MailingClient,
) -> None:
    person = make_person()
    EmailAddress.objects.update(verified=False)
    assert sign_in(browser)["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(browser)
    path = path_of(last_mail())
    assert browser.post(path).status_code == 400
    assert browser.post(path, {"password": OTHER_PASSWORD}).status_code == 302
    person.refresh_from_db()
    assert person.check_password(OTHER_PASSWORD)
    assert EmailAddress.objects.get().verified


def test_three_mails_an_hour_go_to_an_address(browser: MailingClient) -> None:
    answers = {sign_up_on_page(browser).status_code for _ in range(5)}
    assert answers == {302}
    assert len(mail.outbox) == 3
    assert browser.post(path_of(last_mail())).status_code == 302


def test_links_are_kept_as_digests(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    link = MailedClaim.objects.get()
    assert len(bytes(link.digest)) == 32
    assert secret_of(last_mail()) not in repr(MailedClaim.objects.values().get())


def test_the_page_is_told_to_nobody_and_kept_nowhere(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    page = browser.get(path_of(last_mail()))
    assert page["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page["Cache-Control"]
    assert secret_of(last_mail()).encode() not in page.content


def test_the_links_host_is_the_settings(browser: MailingClient, settings) -> None:
    settings.BASE_URL = "https://tessera.example"
    settings.ALLOWED_HOSTS = ["*"]
    browser.send_json(
        "/v1/auth/signup",
        {"email": "new@example.com", "password": PASSWORD, "name": "Nora"},
        host="evil.example",
        **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
    )
    message = last_mail()
    html = str(message.alternatives[0].content)
    assert "https://tessera.example/accounts/confirm-email/" in str(message.body)
    assert "https://tessera.example/accounts/confirm-email/" in html
    assert "evil" not in message.message().as_string()
