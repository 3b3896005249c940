"""Sign-in forms of a tab from before the person signed in, in another tab of the same browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership
from tests.support.people import browser_of
from tests.support.team import make_invited

NEXT = "/settings/members/"
START = "/settings/tokens/"


@pytest.fixture
def tab(owner: Membership) -> Client:
    """The CSRF token of its forms is of a time before the sign-in."""
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = browser_of(owner.user).cookies
    return browser


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/magic-link/",
        "/accounts/password/reset/",
        "/accounts/2fa/authenticate/",
        "/accounts/2fa/webauthn/login/",
        "/accounts/google/login/",
    ],
)
@pytest.mark.parametrize(
    ("wanted", "found"),
    [(NEXT, NEXT), ("", START), ("https://evil.example/", START), ("//evil.example", START)],
)
def test_it_leads_on(tab: Client, path: str, wanted: str, found: str) -> None:
    response: Any = tab.post(path, {"next": wanted, "csrfmiddlewaretoken": "x" * 64})
    assert (response.status_code, response.get("Location")) == (302, found)


def test_next_in_the_address_counts_too(tab: Client) -> None:
    assert tab.post(f"/accounts/signup/?next={NEXT}")["Location"] == NEXT


def test_a_mailed_links_page_is_loaded_anew(tab: Client, owner: Membership) -> None:
    secret = make_invited(owner, "new@example.com").secret
    path = f"/accounts/invitations/{secret}/"
    response = tab.post(path)
    assert (response.status_code, response["Location"]) == (302, path)


def test_a_guest_is_still_refused(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"next": NEXT})
    assert response.status_code == 403
    assert b"too old" in response.content


def test_any_other_form_is_still_refused(tab: Client) -> None:
    assert tab.post("/settings/profile/", {"name": "x"}).status_code == 403
    assert tab.post("/settings/security/end-all/").status_code == 403


def test_a_signed_in_person_who_signs_up_is_led_to_next(owner: Membership) -> None:
    assert browser_of(owner.user).get(f"/accounts/signup/?next={NEXT}")["Location"] == NEXT
