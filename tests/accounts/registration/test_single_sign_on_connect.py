"""Connecting a provider with one's account in Settings, Security, and taking it off again."""

from __future__ import annotations

import time

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse
from django.test import Client

from accounts.models import AuditEvent, User
from tests.accounts.authentication.flows import make_person, sign_in
from tests.accounts.authentication.sign_in_by import come_back, google, is_inside, microsoft, sign_in_by
from tests.accounts.oidc.fake_provider import FakeProvider
from tests.support.mails import MailingClient

__all__ = ["google", "microsoft"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser(person: User) -> MailingClient:
    """Signed in by password just now."""
    client = MailingClient()
    sign_in(client)
    return client


def connect(browser: Client, provider: FakeProvider, slug: str = "google") -> HttpResponse:
    location = browser.post(f"/accounts/{slug}/connect/")["Location"]
    return come_back(browser, provider.approve(location), slug)


def test_a_connected_provider_signs_the_person_in(
    google: FakeProvider, browser: MailingClient, person: User
) -> None:
    assert b"Connect" in browser.get("/settings/security/").content
    assert connect(browser, google)["Location"] == "/settings/security/"
    assert b"Google is connected" in browser.get("/settings/security/").content
    other = Client()
    assert sign_in_by(other, google).status_code == 302
    assert other.session["_auth_user_id"] == str(person.pk)
    assert AuditEvent.objects.filter(action="sso.linked", actor_id=person.public_id).count() == 1


def test_its_address_is_not_taken_over(google: FakeProvider, browser: MailingClient, person: User) -> None:
    google.claims |= {"email": "elsewhere@example.com", "email_verified": False}
    connect(browser, google)
    person.refresh_from_db()
    assert person.email == "ann@example.com"
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["ann@example.com"]


def test_a_guest_connects_nothing(google: FakeProvider, client: Client) -> None:
    for path in ("connect", "disconnect"):
        assert client.post(f"/accounts/google/{path}/")["Location"].startswith("/accounts/login/")


def test_a_sign_in_long_ago_is_proven_anew(google: FakeProvider, person: User) -> None:
    browser = Client()
    browser.force_login(person)
    for path in ("connect", "disconnect"):
        response = browser.post(f"/accounts/google/{path}/")
        assert response["Location"].startswith("/accounts/reauthenticate/")


def test_an_identity_of_somebody_else_is_not_moved(google: FakeProvider, browser: MailingClient) -> None:
    google.claims["email"] = "bea@example.com"
    sign_in_by(Client(), google)
    response = connect(browser, google)
    assert (response.status_code, b"another account" in response.content) == (400, True)
    assert SocialAccount.objects.get().user.email == "bea@example.com"


def test_a_second_identity_of_a_provider_is_refused(google: FakeProvider, browser: MailingClient) -> None:
    connect(browser, google)
    assert connect(browser, google).status_code == 302
    google.claims["sub"] = "another"
    assert connect(browser, google).status_code == 400
    assert SocialAccount.objects.count() == 1


def test_an_answer_for_one_person_connects_no_other(google: FakeProvider, browser: MailingClient) -> None:
    answer = google.approve(browser.post("/accounts/google/connect/")["Location"])
    states = browser.session["socialaccount_states"]
    other = Client()
    other.force_login(make_person("bea@example.com"))
    session = other.session
    session["socialaccount_states"] = states
    session.save()
    assert come_back(other, answer).status_code == 400
    assert not SocialAccount.objects.exists()


def test_a_disconnected_provider_signs_nobody_in(google: FakeProvider, browser: MailingClient) -> None:
    connect(browser, google)
    assert browser.post("/accounts/google/disconnect/")["Location"] == "/settings/security/"
    other = Client()
    assert sign_in_by(other, google).status_code == 400
    assert not is_inside(other)
    assert AuditEvent.objects.filter(action="sso.unlinked").count() == 1


def test_the_last_way_in_stays(google: FakeProvider, client: Client) -> None:
    google.claims["auth_time"] = int(time.time())
    sign_in_by(client, google)
    response = client.post("/accounts/google/disconnect/")
    assert (response.status_code, b"Set a password first" in response.content) == (409, True)
    assert SocialAccount.objects.exists()


def test_one_of_two_providers_may_go(google: FakeProvider, microsoft: FakeProvider, client: Client) -> None:
    google.claims["auth_time"] = int(time.time())
    sign_in_by(client, google)
    assert connect(client, microsoft, "microsoft").status_code == 302
    assert client.post("/accounts/google/disconnect/").status_code == 302
    assert SocialAccount.objects.get().provider == "microsoft"
