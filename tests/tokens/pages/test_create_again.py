"""Creating a token after a sign-in long ago: the person proves again that it is them, and nothing is lost."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Membership
from tests.support.people import PASSWORD, make_member
from tests.support.sessions import make_person
from tests.support.team import fresh_browser
from tests.tokens.pages.test_create_page import GOOD, URL
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/reauthenticate/"


@pytest.fixture
def ada() -> Membership:
    return make_person(email="ada@example.com")


@pytest.fixture
def stale(ada: Membership) -> Client:
    """A browser in which the last proof is older than the limit."""
    browser = fresh_browser(ada)
    session = browser.session
    [record] = session["account_authentication_methods"]
    record["at"] = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT - 1
    session.save()
    return browser


def prove(browser: Client, answer: Any) -> Any:
    assert answer["Location"].startswith(SIGN_IN)
    return browser.post(answer["Location"], {"password": PASSWORD})


def test_a_fresh_sign_in_is_not_asked_again(ada: Membership) -> None:
    browser = fresh_browser(ada)
    assert browser.get(URL).status_code == 200
    assert browser.post(URL, GOOD).status_code == 303


def test_it_is_asked_before_the_form_which_then_opens_as_its_address_says(stale: Client) -> None:
    answer = prove(stale, stale.get(f"{URL}?name=orders&expires=30"))
    assert answer["Location"] == f"{URL}?name=orders&expires=30"
    assert 'value="orders"' in stale.get(answer["Location"]).content.decode()


def test_a_form_that_was_open_for_long_is_kept_and_answered_after_the_proof(stale: Client) -> None:
    answer = stale.post(URL, GOOD | {"description": "Runs nightly"})
    assert not ServiceAccountToken.objects.exists()
    revealed = prove(stale, answer)
    assert (revealed.status_code, revealed["Cache-Control"]) == (303, "no-store")
    assert b"Your new token" in stale.get(revealed["Location"]).content
    assert ServiceAccountToken.objects.get().description == "Runs nightly"


def test_a_wrong_password_creates_nothing(stale: Client) -> None:
    answer = stale.post(URL, GOOD)
    assert stale.post(answer["Location"], {"password": "wrong"}).status_code == 200
    assert not ServiceAccountToken.objects.exists()


def test_who_may_not_create_is_told_so_and_not_asked(ada: Membership) -> None:
    viewer = make_member(ada.organization, "viewer")
    browser = Client()
    browser.force_login(viewer.user)
    assert browser.get(URL).status_code == 403
