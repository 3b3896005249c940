"""The account pages in both schemes and on a small phone, under the rules of the walk over all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import sign_in
from tests.browser.test_walk import LOOKS, faint_texts
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GUEST = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/" + "a" * 43,
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/magic-link/",
    "/accounts/magic-link/sent/",
    "/accounts/inactive/",
]
INSIDE = [
    "/settings/security/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
]
PROVED = ["/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"]
# No other key of a test has this id.
KEY = 700_000_000
FACTORS = [
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/webauthn/",
    f"/accounts/2fa/webauthn/keys/{KEY}/edit/",
    f"/accounts/2fa/webauthn/keys/{KEY}/remove/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/webauthn/reauthenticate/",
]


def give_factors(user: User) -> None:
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    key = {"name": "k" * 100, "credential": {}, "passwordless": True}
    Authenticator.objects.create(pk=KEY, user=user, type=Authenticator.Type.WEBAUTHN, data=key)


def walk(page: Page, ada) -> Iterator[str]:
    page.add_init_script(LOOKS)
    links = []
    for path in ("/v1/auth/password-reset", "/v1/auth/magic-link"):
        MailingClient().send_json(path, {"email": ada.email})
        links.append(path_of(last_mail()))
    for path in GUEST + links:
        page.goto(path)
        yield path
    page.goto("/accounts/signup/")
    page.get_by_label("Name").fill("x http://evil.example")
    page.get_by_label("Email").fill("a" * 60 + "@example.com")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Sign up").click()
    yield "sign-up with errors"
    sign_in(page, ada)
    for path in INSIDE:
        page.goto(path)
        yield path
    page.goto("/accounts/reauthenticate/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/settings/tokens/")
    for path in PROVED:
        page.goto(path)
        yield path
    give_factors(ada)
    for path in FACTORS:
        page.goto(path)
        assert page.url.endswith(path)
        yield path
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/accounts/2fa/authenticate/")
    yield "/accounts/2fa/authenticate/"


def test_every_text_is_readable(new_page, ada, live_server, settings):
    settings.BASE_URL = live_server.url
    page = new_page(reduced_motion="reduce")
    faint = {}
    for where in walk(page, ada):
        faint |= faint_texts(page, where)
    assert faint == {}


def test_nothing_is_wider_than_a_small_phone_and_every_target_is_44_px(new_page, ada, live_server, settings):
    settings.BASE_URL = live_server.url
    page = new_page(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    problems = {}
    for where in walk(page, ada):
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        if found := page.evaluate("small(44)") + (["wider than the window"] if wide else []):
            problems[where] = found
    assert problems == {}
