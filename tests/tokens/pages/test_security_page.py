"""Settings, Security: a person sees where they are signed in, and ends it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.authentication import browser_sessions
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import PASSWORD, browser_of, make_member
from tests.support.sessions import make_person, opened
from tokens.models import Grant

pytestmark = pytest.mark.django_db
PATH = "/settings/security/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604"


@pytest.fixture
def ada() -> Membership:
    return make_person(role=Role.VIEWER, email="ada@example.com")


def sign_in(user_agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    """A browser in which Ada has signed in by the page."""
    browser = Client(headers={"User-Agent": user_agent}, REMOTE_ADDR=address)
    page = browser.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
    assert page.status_code == 302, page.content
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(PATH).status_code == 200


def text_of(browser: Client) -> str:
    response = browser.get(PATH)
    assert response.status_code == 200
    return response.content.decode()


def browser_id(user_agent: str) -> int:
    return int(UserSession.objects.get(user_agent=user_agent).pk)


def test_it_lists_browsers_and_api_sessions_with_device_and_address(ada: Membership) -> None:
    opened(ada, user_agent="curl/8.5.0", address="198.51.100.4")
    here = sign_in()
    sign_in(SAFARI, "192.0.2.8")
    html = text_of(here)
    for text in (
        *("Firefox on Linux", "192.0.2.7", "This browser", "Safari on iPhone", "192.0.2.8"),
        *("curl 8.5.0", "198.51.100.4", ada.organization.name, "Sign-in"),
    ):
        assert text in html, text
    assert html.count("This browser") == 1


def test_every_member_finds_it_in_the_navigation(ada: Membership) -> None:
    html = text_of(browser_of(ada.user))
    assert f'<a href="{PATH}" aria-current="page">' in html


def test_it_says_that_no_second_factor_is_on(ada: Membership) -> None:
    Authenticator.objects.create(user=ada.user, type="recovery_codes", data={})
    Authenticator.objects.create(user=make_member().user, type="totp", data={})
    assert "Off: your password alone signs you in." in text_of(browser_of(ada.user))


def test_it_says_which_second_factors_are_on_since_when(ada: Membership) -> None:
    for kind, data in (("totp", {}), ("webauthn", {"name": "Yubi <1>"})):
        Authenticator.objects.create(user=ada.user, type=kind, data=data)
    Authenticator.objects.update(created_at=datetime(2026, 11, 3, 12, tzinfo=UTC))
    html = text_of(browser_of(ada.user))
    assert "Off:" not in html
    for words in ("Authenticator app, on since", "Passkey Yubi &lt;1&gt;, on since"):
        assert re.search(rf"{words} <time[^>]*>3 Nov 2026</time>", html), words


def test_nothing_of_anybody_else_is_shown(ada: Membership) -> None:
    opened(make_person(ada.organization), user_agent="stranger/1.0")
    assert "stranger" not in text_of(sign_in())


def test_an_api_session_is_ended(ada: Membership) -> None:
    tokens, here = opened(ada), sign_in()
    page = here.post(f"{PATH}sessions/{tokens.grant.public_id}/end/", follow=True)
    assert "Ended the API session." in page.content.decode()
    assert program(tokens.access_token).get("/api/auth/whoami").status_code == 401


def test_a_browser_is_signed_out(ada: Membership) -> None:
    here, other = sign_in(), sign_in(SAFARI)
    page = here.post(f"{PATH}browsers/{browser_id(SAFARI)}/end/", follow=True)
    assert "Signed out of that browser." in page.content.decode()
    assert not is_in(other)
    assert is_in(here)


def test_signing_out_of_this_browser_leads_to_the_door(ada: Membership) -> None:
    here = sign_in()
    page = here.post(f"{PATH}browsers/{browser_id(FIREFOX)}/end/")
    assert page["Location"].startswith("/accounts/login/")
    assert page["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_in(here)


def test_signing_out_everywhere_else_leaves_this_browser_alone(ada: Membership) -> None:
    tokens, here, other = opened(ada), sign_in(), sign_in(SAFARI)
    page = here.post(f"{PATH}end-others/", follow=True)
    assert "You are signed in here only." in page.content.decode()
    assert program(tokens.access_token).get("/api/auth/whoami").status_code == 401
    assert (is_in(here), is_in(other)) == (True, False)


def test_signing_out_everywhere_signs_out_here_too(ada: Membership) -> None:
    tokens, here, other = opened(ada), sign_in(), sign_in(SAFARI)
    assert here.post(f"{PATH}end-all/")["Location"].startswith("/accounts/login/")
    assert program(tokens.access_token).get("/api/auth/whoami").status_code == 401
    assert (is_in(here), is_in(other)) == (False, False)


def test_nobody_ends_what_is_anothers(ada: Membership) -> None:
    theirs, here = opened(make_person(ada.organization)), sign_in()
    stranger = browser_of(make_member(ada.organization).user)
    for path in (f"sessions/{theirs.grant.public_id}/end/", "sessions/ses_x/end/", "browsers/999999/end/"):
        assert here.post(PATH + path).status_code == 404
    assert stranger.post(f"{PATH}browsers/{browser_id(FIREFOX)}/end/").status_code == 404
    stranger.post(f"{PATH}end-all/")
    assert is_in(here)
    assert Grant.objects.get().revoked_at is None


@pytest.mark.parametrize("path", ["", "end-others/", "end-all/", "browsers/1/end/", "sessions/ses_x/end/"])
def test_it_is_for_people_who_are_signed_in(path: str) -> None:
    answer = Client().post(PATH + path) if path else Client().get(PATH)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", ["end-others/", "end-all/", "browsers/1/end/", "sessions/ses_x/end/"])
def test_ending_is_a_post_with_the_forms_own_secret(ada: Membership, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada.user)
    assert browser.get(PATH + path).status_code == 405
    assert browser.post(PATH + path).status_code == 403


def test_a_session_from_before_a_new_password_is_not_listed(ada: Membership) -> None:
    sign_in(SAFARI)
    ada.user.set_password("another-long-passphrase")
    ada.user.save()
    assert "Safari" not in text_of(browser_of(ada.user))


def test_the_last_use_is_kept_to_five_minutes(ada: Membership) -> None:
    here = sign_in()
    row = UserSession.objects.filter(user_agent=FIREFOX)
    row.update(last_seen_at=timezone.now() - timedelta(hours=1))
    here.get(PATH)
    assert row.get().last_seen_at < timezone.now() - timedelta(minutes=50)
    session = here.session
    session[browser_sessions.SEEN_AT] = int(time.time()) - browser_sessions.SEEN_EVERY_SECONDS - 1
    session.save()
    here.get(PATH)
    assert row.get().last_seen_at > timezone.now() - timedelta(minutes=1)


def test_it_asks_as_often_for_many_as_for_few(ada: Membership) -> None:
    def count(browser: Client) -> int:
        browser.get(PATH)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            browser.get(PATH)
        return len(asked)

    here = sign_in()
    opened(ada)
    few = count(here)
    for _ in range(6):
        sign_in(SAFARI)
        opened(ada)
    assert count(here) == few


def test_an_odd_user_agent_is_text(ada: Membership) -> None:
    opened(ada, user_agent="<b>x</b>/1")
    sign_in("Evil<script>/1.0")
    html: Any = text_of(sign_in())
    assert "<b>x" not in html
    assert "Evil<script>" not in html
