"""The second factor: an app's codes and recovery codes, on and off, and what is kept of them."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.test import override_settings
from django.urls import reverse

from accounts.models import User
from tests.accounts.authentication.flows import PASSWORD, is_signed_in, login_json, make_person, sign_in
from tests.support.mails import MailingClient, last_mail

pytestmark = pytest.mark.django_db
KEY = re.compile(r'id="key" type="text" value="([A-Z2-7]+)"')


def code_of(secret: str, step: int = 1) -> str:
    """What an app shows in this time step or, unless given, in the next: accepted even if this one ends."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def prove(browser: MailingClient) -> None:
    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def turn_on(browser: MailingClient) -> str:
    """Set an app up on its page; returns the app's key."""
    prove(browser)
    found = KEY.search(browser.get("/accounts/2fa/totp/activate/").content.decode())
    assert found is not None
    response = browser.post("/accounts/2fa/totp/activate/", {"code": code_of(found[1], 0)})
    assert response["Location"] == "/accounts/2fa/recovery-codes/"
    return found[1]


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser(person: User) -> MailingClient:
    """The person's, signed in."""
    browser = MailingClient()
    sign_in(browser)
    return browser


def test_setting_an_app_up_asks_for_the_password_first(browser: MailingClient) -> None:
    response = browser.get("/accounts/2fa/totp/activate/")
    assert response["Location"].startswith("/accounts/reauthenticate/?next=")


def test_with_an_app_sign_in_takes_a_code(browser: MailingClient) -> None:
    secret = turn_on(browser)
    assert last_mail().subject == "Your second factor is on"
    guest = MailingClient()
    assert sign_in(guest)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_signed_in(guest)
    assert guest.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_signed_in(guest)
    guest.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert is_signed_in(guest)


def test_a_code_works_once_wherever_it_is_sent(browser: MailingClient) -> None:
    secret = turn_on(browser)
    code = code_of(secret)
    guest = MailingClient()
    sign_in(guest)
    guest.post("/accounts/2fa/authenticate/", {"code": code})
    assert is_signed_in(guest)
    assert login_json(MailingClient(), "ann@example.com", code=code).json()["code"] == "invalid_code"


def test_a_recovery_code_works_once(browser: MailingClient) -> None:
    turn_on(browser)
    download = browser.get("/accounts/2fa/recovery-codes/download/").content.decode()
    code = download.split()[-1]
    for expected in (True, False):
        guest = MailingClient()
        sign_in(guest)
        guest.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_signed_in(guest) is expected


def test_new_recovery_codes_end_the_old_ones(browser: MailingClient) -> None:
    turn_on(browser)
    old = browser.get("/accounts/2fa/recovery-codes/download/").content.decode().split()[-1]
    browser.post("/accounts/2fa/recovery-codes/generate/")
    assert last_mail().subject == "You have new recovery codes"
    assert old not in browser.get("/accounts/2fa/recovery-codes/").content.decode()


def test_turning_off_takes_the_password_alone_again(browser: MailingClient, person: User) -> None:
    turn_on(browser)
    browser.post("/accounts/2fa/totp/deactivate/")
    assert last_mail().subject == "Your authenticator app was removed"
    assert not Authenticator.objects.filter(user=person).exists()
    guest = MailingClient()
    assert sign_in(guest)["Location"] == "/settings/tokens/"


def test_turning_off_asks_for_a_fresh_proof(browser: MailingClient) -> None:
    turn_on(browser)
    later = MailingClient()
    later.cookies = browser.cookies
    session = later.session
    session["account_authentication_methods"] = []
    session.save()
    assert later.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert Authenticator.objects.filter(type="totp").exists()


def test_what_is_kept_is_sealed(browser: MailingClient) -> None:
    secret = turn_on(browser)
    for authenticator in Authenticator.objects.all():
        assert secret not in str(authenticator.data)
        assert not re.search(r"'seed': '[0-9a-f]{80}'", str(authenticator.data))


def test_it_opens_under_a_key_that_is_being_replaced(browser: MailingClient) -> None:
    secret = turn_on(browser)
    new = {"SECRET_KEY": "another-key-" * 6, "SECRET_KEY_FALLBACKS": [settings.SECRET_KEY]}
    with override_settings(**new):
        assert login_json(MailingClient(), "ann@example.com", code=code_of(secret)).status_code == 200


def test_wrong_codes_are_limited_like_wrong_passwords(browser: MailingClient) -> None:
    secret = turn_on(browser)
    guest = MailingClient()
    sign_in(guest)
    for _ in range(settings.SIGN_INS_PER_ACCOUNT):
        guest.post("/accounts/2fa/authenticate/", {"code": "000000"})
    response = guest.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert b"Too many tries" in response.content
    assert not is_signed_in(guest)


def test_the_page_of_a_fresh_proof_is_limited_too(browser: MailingClient) -> None:
    for _ in range(settings.SIGN_INS_PER_ACCOUNT):
        browser.post("/accounts/reauthenticate/", {"password": "wrong wrong wrong"})
    response = browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert response.status_code == 200
    assert b"Too many tries" in response.content


@pytest.mark.parametrize("view", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
def test_anothers_passkey_is_not_found(browser: MailingClient, view: str) -> None:
    other = Authenticator.objects.create(
        user=make_person("bob@example.com"), type=Authenticator.Type.WEBAUTHN, data={"name": "Key"}
    )
    prove(browser)
    for pk in (other.pk, other.pk + 1000):
        assert browser.get(reverse(view, args=[pk])).status_code == 404
        assert browser.post(reverse(view, args=[pk]), {"name": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=other.pk, data={"name": "Key"}).exists()


@override_settings(BASE_URL="http://localhost:8000")
def test_passkeys_belong_to_the_settings_host(browser: MailingClient) -> None:
    prove(browser)
    page = browser.get("/accounts/2fa/webauthn/add/").content.decode()
    assert '"id": "localhost"' in page or '"id":"localhost"' in page


def test_a_bare_address_offers_no_passkey(browser: MailingClient) -> None:
    prove(browser)
    assert b"reached by a bare address" in browser.get("/accounts/2fa/webauthn/add/").content
    assert b"passkey_login" not in MailingClient().get("/accounts/login/").content
