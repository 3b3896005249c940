"""A session at the API that was exchanged for a browser's ends with it, however that ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.authentication.session_store import stored_key
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.mails import MailingClient
from tests.support.people import PASSWORD
from tests.support.sessions import make_person, opened, refresh
from tests.tokens.api.test_exchange import exchange
from tokens.models import Grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> Membership:
    return make_person(role=Role.ADMIN, email="ada@example.com", name="Ada")


def browser_of_ada() -> MailingClient:
    browser = MailingClient()
    form = {"login": "ada@example.com", "password": PASSWORD}
    assert browser.post("/accounts/login/", form).status_code == 302
    return browser


def sign_out(browser: MailingClient) -> None:
    browser.post("/accounts/logout/")


def end_from_elsewhere(browser: MailingClient) -> None:
    row = UserSession.objects.get(session_key=stored_key(browser.session))
    browser_of_ada().post(f"/settings/security/browsers/{row.pk}/end/")


def end_others(browser: MailingClient) -> None:
    """All but one end; API sessions of this browser among them, by the rule or by the page's own."""
    browser_of_ada().post("/settings/security/end-others/")


def end_all(browser: MailingClient) -> None:
    browser.post("/settings/security/end-all/")


def delete_row(browser: MailingClient) -> None:
    UserSession.objects.filter(session_key=stored_key(browser.session)).delete()


ENDINGS = (sign_out, end_from_elsewhere, end_others, end_all, delete_row)


def is_alive(tokens: dict[str, Any]) -> bool:
    answer = program(tokens["access_token"]).get("/api/auth/whoami")
    if answer.status_code == 200:
        return True
    assert answer.json()["code"] == "token_revoked"
    assert refresh(tokens["refresh_token"]).status_code == 401
    return False


@pytest.mark.parametrize("end", ENDINGS)
def test_it_ends_with_its_browser(ada: Membership, end: Callable[[MailingClient], None]) -> None:
    browser = browser_of_ada()
    tokens = exchange(browser).json()
    assert is_alive(tokens)
    end(browser)
    assert not is_alive(tokens)


def test_signing_out_leaves_what_another_browser_or_a_login_has_opened(ada: Membership) -> None:
    first, second = browser_of_ada(), browser_of_ada()
    tokens, login = exchange(second).json(), opened(ada)
    sign_out(first)
    assert is_alive(tokens)
    assert program(login.access_token).get("/api/auth/whoami").status_code == 200


def test_it_lives_no_longer_than_its_browser(ada: Membership) -> None:
    browser = browser_of_ada()
    end = timezone.now() + timedelta(minutes=5)
    Session.objects.filter(session_key=stored_key(browser.session)).update(expire_date=end)
    tokens = exchange(browser).json()
    assert tokens["expires_in"] <= 300
    assert Grant.objects.get(user=ada.user).expires_at == end


def test_a_row_deleted_in_the_database_ends_it_too(ada: Membership) -> None:
    browser = browser_of_ada()
    tokens = exchange(browser).json()
    rows = UserSession.objects.filter(session_key=stored_key(browser.session))
    rows._raw_delete(rows.db)  # type: ignore[attr-defined]
    assert not is_alive(tokens)
