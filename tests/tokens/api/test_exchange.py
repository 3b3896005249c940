"""POST /v1/auth/exchange: a browser's sign-in for a session at the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from django.test import Client

from accounts.authentication.current_organization import SESSION_KEY
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import make_organization
from tests.support.sessions import join, make_person, opened
from tokens.models import Grant, GrantKind

pytestmark = pytest.mark.django_db
PATH = "/v1/auth/exchange"
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')


@pytest.fixture
def ada() -> Membership:
    return make_person(role=Role.ADMIN, email="ada@example.com", name="Ada")


def signed_in(member: Membership, *, by_provider: bool = False) -> Client:
    """A browser that checks CSRF tokens, as real ones are checked."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member.user)
    if by_provider:
        session = browser.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "socialaccount", "at": 0}]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(member.user.pk)
        session.save()
    return browser


def csrf(browser: Client) -> dict[str, str]:
    found = CSRF.search(browser.get("/settings/security/").content.decode())
    assert found is not None
    return {"X-CSRFToken": found[1]}


def exchange(browser: Client, headers: dict[str, str] | None = None, **body: str) -> Any:
    headers = csrf(browser) if headers is None else headers
    return browser.post(PATH, body, content_type="application/json", headers=headers)


def test_a_browser_gets_the_shape_of_the_sign_in(ada: Membership) -> None:
    response = exchange(signed_in(ada))
    body = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["user"]["id"] == ada.user.public_id
    assert program(body["access_token"]).get("/api/auth/whoami").json()["userName"] == "Ada"
    assert Grant.objects.get().kind == GrantKind.SESSION


def test_two_hours_after_single_sign_on(ada: Membership) -> None:
    assert exchange(signed_in(ada, by_provider=True)).json()["expires_in"] == 7200
    assert Grant.objects.get().kind == GrantKind.SINGLE_SIGN_ON


def test_another_persons_sign_in_in_the_same_browser_does_not_count(ada: Membership) -> None:
    browser = signed_in(ada, by_provider=True)
    session = browser.session
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = "somebody-else"
    session.save()
    assert exchange(browser).json()["expires_in"] == 900


def test_without_the_csrf_token_nothing_is_given(ada: Membership) -> None:
    browser = signed_in(ada)
    csrf(browser)
    for headers in ({}, {"X-CSRFToken": "x" * 64}):
        response = exchange(browser, headers)
        assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert not Grant.objects.exists()


def test_a_bearer_is_no_sign_in(ada: Membership) -> None:
    bearer = {"Authorization": f"Bearer {opened(ada).access_token}"}
    response = Client().post(PATH, {}, content_type="application/json", headers=bearer)
    assert (response.status_code, response.json()["code"]) == (401, "not_signed_in")


def test_a_bearer_beside_the_cookie_is_not_read(ada: Membership) -> None:
    browser, other = signed_in(ada), make_person(email="bea@example.com")
    bearer = {"Authorization": f"Bearer {opened(other).access_token}"}
    assert exchange(browser, csrf(browser) | bearer).json()["user"]["id"] == ada.user.public_id


def test_the_organization_at_work_is_the_one(ada: Membership) -> None:
    second = join(ada.user, make_organization("Second"))
    browser = signed_in(ada)
    session = browser.session
    session[SESSION_KEY] = str(second.organization_id)
    session.save()
    assert exchange(browser).json()["user"]["organizationId"] == second.organization.public_id
    named = exchange(browser, organization=ada.organization.slug)
    assert named.json()["user"]["organizationId"] == ada.organization.public_id


def test_a_strangers_organization_is_refused(ada: Membership) -> None:
    response = exchange(signed_in(ada), organization=make_organization().public_id)
    assert (response.status_code, response.json()["code"]) == (403, "no_membership")


def test_a_locked_person_is_not_signed_in(ada: Membership) -> None:
    browser = signed_in(ada)
    headers = csrf(browser)
    ada.user.is_active = False
    ada.user.save()
    assert exchange(browser, headers).status_code == 401


def test_exchanges_are_limited(ada: Membership) -> None:
    browser = signed_in(ada)
    headers = csrf(browser)
    codes = [exchange(browser, headers).status_code for _ in range(61)]
    assert (codes.count(200), codes[-1]) == (60, 429)
