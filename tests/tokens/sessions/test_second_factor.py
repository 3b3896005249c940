"""Sign-in with the second factor on: asked for, checked, counted, and used once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.mfa import app_settings
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from accounts.authentication.second_factor import CODE_SECONDS
from accounts.models import Membership
from tests.support.people import PASSWORD
from tests.support.sessions import login, make_person
from tests.support.threads import at_once

EMAIL = "ada@example.com"


@pytest.fixture(params=["redis", "sql"], autouse=True)
def store(request: pytest.FixtureRequest, settings: Any) -> None:
    if request.param == "sql":
        settings.REDIS_URL = ""


def protect() -> tuple[Membership, str]:
    """A person whose second factor is on, and its secret."""
    member, secret = make_person(email=EMAIL), generate_totp_secret()
    TOTP.activate(member.user, secret)
    return member, secret


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.mark.django_db
def test_without_a_code_one_is_asked_for() -> None:
    protect()
    response = login(EMAIL)
    assert response.status_code == 401
    assert response.json() == {
        "error": "A code of the second factor is required",
        "code": "mfa_required",
    }


@pytest.mark.django_db
def test_a_wrong_password_does_not_tell_that_it_is_on() -> None:
    _, secret = protect()
    response = login(EMAIL, "a-wrong-passphrase", code=code_of(secret))
    assert response.json()["code"] == "invalid_credentials"


@pytest.mark.django_db
def test_a_code_of_the_app_signs_in_once() -> None:
    _, secret = protect()
    code = code_of(secret)
    assert login(EMAIL, code=code).status_code == 200
    assert login(EMAIL, code=code).json()["code"] == "invalid_code"
    assert login(EMAIL, code=f"{code[:3]} {code[3:]}").json()["code"] == "invalid_code"


def test_a_used_code_is_known_for_as_long_as_it_would_be_accepted() -> None:
    assert CODE_SECONDS > app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)


@pytest.mark.django_db(transaction=True)
def test_parallel_sign_ins_with_one_code_have_one_winner() -> None:
    _, secret = protect()
    code = code_of(secret)
    statuses = at_once([lambda: login(EMAIL, code=code).status_code] * 5)
    assert statuses.count(200) == 1


@pytest.mark.django_db
def test_a_recovery_code_signs_in_once() -> None:
    member, _ = protect()
    code = RecoveryCodes.activate(member.user).get_unused_codes()[0]
    assert login(EMAIL, code=code).status_code == 200
    assert login(EMAIL, code=code).json()["code"] == "invalid_code"


@pytest.mark.django_db
def test_wrong_codes_are_counted_like_wrong_passwords() -> None:
    _, secret = protect()
    statuses = [login(EMAIL, code="000000").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert login(EMAIL, code=code_of(secret)).status_code == 429


@pytest.mark.django_db
def test_so_are_those_on_the_page() -> None:
    _, secret = protect()
    browser = Client()
    page = browser.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert page.headers["Location"] == "/accounts/2fa/authenticate/"
    for _ in range(10):
        browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
    page = browser.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert "Too many tries" in page.content.decode()
    assert login(EMAIL, code=code_of(secret)).status_code == 429
    # The password has windows of its own.
    assert login(EMAIL).json()["code"] == "mfa_required"


@pytest.mark.django_db
def test_the_password_grant_is_refused() -> None:
    protect()
    body = {"email": EMAIL, "password": PASSWORD}
    response = Client().post("/auth/v1/token?grant_type=password", body, content_type="application/json")
    assert response.status_code == 401
    assert response.json()["code"] == "mfa_required"
