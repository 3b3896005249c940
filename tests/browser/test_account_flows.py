"""From signing up to a second factor, in a browser whose mail is read."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from tests.accounts.authentication.test_mfa import code_of
from tests.browser.conftest import sign_in
from tests.support.mails import last_mail, path_of
from tests.support.people import PASSWORD, make_plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHRASE = "quiet otters dance at noon"


def sign_up(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill("Nora Kettle")
    page.get_by_label("Email").fill("nora@example.com")
    page.get_by_label("Password").fill(PHRASE)
    page.get_by_label("Organization").fill("Kettles")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()


def prove_again(page: Page) -> None:
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()


def test_signing_up_leads_by_the_mail_to_ones_tokens(page):
    make_plan()
    sign_up(page)
    page.goto(path_of(last_mail()))
    page.get_by_role("button", name="Confirm address").click()
    page.wait_for_url("**/settings/tokens/")
    expect(page.get_by_text("Kettles").first).to_be_visible()
    expect(page.get_by_role("link", name="Create token").first).to_be_visible()


def test_a_mailed_link_signs_in(page, ada):
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Mail me a link").click()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    page.goto(path_of(last_mail()))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/settings/tokens/")


def test_a_forgotten_password_is_replaced(page, ada):
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    page.goto(path_of(last_mail()))
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("This password is too short")).to_be_visible()
    page.get_by_label("New password").fill(PHRASE)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password").fill(PHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/settings/tokens/")
    assert mail.outbox[-1].subject == "Your password was changed"


def test_an_app_is_set_up_used_and_turned_off(signed_in, ada):
    page = signed_in
    page.goto("/settings/security/")
    page.get_by_role("link", name="Turn on a second factor").click()
    page.get_by_role("link", name="Set up an app").click()
    prove_again(page)
    expect(page.get_by_role("img", name="The key below")).to_be_visible()
    key = page.get_by_label("Key").input_value()
    page.get_by_label("Code").fill(code_of(key, 0))
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    sign_out(page)
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/settings/tokens/")
    page.goto("/accounts/2fa/totp/deactivate/")
    prove_again(page)
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("link", name="Set up an app")).to_be_visible()


def test_a_passkey_signs_in_alone(new_page, ada, live_server, settings):
    settings.BASE_URL = live_server.url
    page = sign_in(new_page(), ada)
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    virtual = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    virtual |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": virtual})
    page.goto("/accounts/2fa/webauthn/add/")
    prove_again(page)
    page.get_by_label("Name").fill("This laptop")
    page.get_by_role("checkbox", name="Sign in without a password").check()
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_role("heading", name=re.compile("This laptop"))).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/settings/tokens/")
