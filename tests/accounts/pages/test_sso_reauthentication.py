"""People without a password prove themselves again at their provider, which must ask them to sign in anew."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import User
from tests.accounts.authentication.flows import OTHER_PASSWORD, sign_in
from tests.accounts.authentication.sign_in_by import begin, come_back, google, sign_in_by
from tests.accounts.oidc.fake_provider import FakeProvider
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import make_user
from tests.tokens.pages.test_create_page import GOOD
from tokens.models import ServiceAccountToken

__all__ = ["google"]
pytestmark = pytest.mark.django_db
NEW = "/settings/tokens/new/"
PROVE = "/accounts/google/reauthenticate/"
STALE = django_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1


@pytest.fixture
def stale(google: FakeProvider, client: Client) -> Client:
    """The browser of a person who signed up by Google and last proved themselves there some time ago."""
    google.claims["auth_time"] = int(time.time()) - STALE
    sign_in_by(client, google)
    return client


def prove(browser: Client, google: FakeProvider, **form: str) -> Any:
    response = browser.post(PROVE, form)
    return come_back(browser, google.approve(response["Location"]))


def test_a_provider_is_asked_for_a_new_sign_in(stale: Client, google: FakeProvider) -> None:
    assert stale.get(NEW)["Location"].startswith(PROVE)
    assert b"Continue with Google" in stale.get(PROVE).content
    query = dict(parse_qsl(urlsplit(stale.post(PROVE)["Location"]).query))
    assert (query["prompt"], query["max_age"]) == ("login", "0")
    assert json.loads(query["claims"]) == {"id_token": {"auth_time": {"essential": True}}}


def test_what_was_interrupted_goes_on_after_the_proof(stale: Client, google: FakeProvider) -> None:
    assert stale.post(NEW, GOOD)["Location"].startswith(PROVE)
    google.claims["auth_time"] = int(time.time())
    response = prove(stale, google, next=NEW)
    assert response.status_code == 303
    # Browsers would send no strict cookie along these redirects from the provider's site.
    assert response.cookies["reveal"]["samesite"] == "Lax"
    assert b"Your new token" in stale.get(response["Location"]).content
    assert ServiceAccountToken.objects.count() == 1


@pytest.mark.parametrize("auth_time", [None, "now", True, 1_000_000_000])
def test_an_earlier_sign_in_at_the_provider_proves_nothing(
    stale: Client, google: FakeProvider, auth_time: Any
) -> None:
    google.claims["auth_time"] = auth_time
    response = prove(stale, google, next=NEW)
    assert (response.status_code, b"did not ask you to sign in again" in response.content) == (400, True)
    assert stale.get(NEW)["Location"].startswith(PROVE)


def test_another_identity_proves_nothing(stale: Client, google: FakeProvider) -> None:
    google.claims |= {"sub": "another", "email": "bea@example.com", "auth_time": int(time.time())}
    assert prove(stale, google, next=NEW).status_code == 400
    assert stale.get(NEW)["Location"].startswith(PROVE)
    assert not User.objects.filter(email="bea@example.com").exists()


def test_a_recent_sign_in_at_the_provider_is_a_proof(google: FakeProvider, client: Client) -> None:
    google.claims["auth_time"] = int(time.time())
    sign_in_by(client, google)
    assert client.get(NEW).status_code == 200


def test_an_ordinary_sign_in_asks_for_its_time_and_for_no_new_proof(
    google: FakeProvider, client: Client
) -> None:
    query = dict(parse_qsl(urlsplit(begin(client)).query))
    assert json.loads(query["claims"]) == {"id_token": {"auth_time": {"essential": True}}}
    assert (query["prompt"], "max_age" in query) == ("select_account", False)


def test_a_sign_in_without_its_time_is_none_of_now_and_a_mailed_password_helps(google: FakeProvider) -> None:
    browser = MailingClient()
    sign_in_by(browser, google)
    assert browser.get("/settings/tokens/").status_code == 200
    assert browser.get(NEW)["Location"].startswith(PROVE)
    assert b'href="/accounts/password/reset/"' in prove(browser, google, next=NEW).content
    browser.post("/accounts/password/reset/", {"email": "ann@example.com"})
    browser.post(path_of(last_mail()), {"password": OTHER_PASSWORD})
    sign_in(browser, password=OTHER_PASSWORD)
    assert browser.get(NEW).status_code == 200


def test_a_sign_in_that_lies_in_the_future_is_one_of_now(google: FakeProvider, client: Client) -> None:
    google.claims["auth_time"] = int(time.time()) + 10 * STALE
    sign_in_by(client, google)
    [record] = client.session["account_authentication_methods"]
    assert record["at"] <= time.time()


@pytest.mark.parametrize(
    "page",
    [
        "/accounts/password/set/",
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/2fa/recovery-codes/generate/",
        "/accounts/email/",
    ],
)
def test_the_pages_of_the_account_ask_too(stale: Client, page: str) -> None:
    assert stale.get(page)["Location"].startswith(PROVE)


def test_a_person_with_a_password_may_choose(stale: Client, google: FakeProvider) -> None:
    user = User.objects.get(email="ann@example.com")
    user.set_password("quiet otters dance at noon")
    user.save()
    stale.force_login(user)
    assert stale.get(NEW)["Location"].startswith("/accounts/reauthenticate/")
    assert b"Use Google" in stale.get("/accounts/reauthenticate/").content
    assert b"Use your password" in stale.get(PROVE).content


def test_a_provider_that_is_not_connected_is_not_found(google: FakeProvider, client: Client) -> None:
    client.force_login(make_user())
    assert client.get(PROVE).status_code == 404
    assert client.post(PROVE).status_code == 404
