"""The account pages, before and after sign-in, under every rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import sign_in
from tests.browser.walk.conftest import KeepRules
from tests.browser.walk.visits import visit
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
    key = {"name": "k" * 100, "credential": registration(), "passwordless": True}
    Authenticator.objects.create(pk=KEY, user=user, type=Authenticator.Type.WEBAUTHN, data=key)


def registration() -> dict[str, Any]:
    """What a browser answers when it has made a passkey, as allauth keeps it."""
    public = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    credential = AttestedCredentialData.create(bytes(16), b"key", public)
    found = AuthenticatorData.create(bytes(32), AuthenticatorData.FLAG.AT, 0, credential)
    response = AuthenticatorAttestationResponse(
        client_data=CollectedClientData.create("webauthn.create", b"", "https://example.com"),
        attestation_object=AttestationObject.create("none", found, {}),
    )
    return dict(RegistrationResponse(raw_id=b"key", response=response))


def walk(page: Page, ada: User) -> Iterator[str]:
    links = []
    for path in ("/v1/auth/password-reset", "/v1/auth/magic-link"):
        MailingClient().send_json(path, {"email": ada.email})
        links.append(path_of(last_mail()))
    yield from visit(page, GUEST + links)
    page.goto("/accounts/signup/")
    page.get_by_label("Name").fill("x http://evil.example")
    page.get_by_label("Email").fill("a" * 60 + "@example.com")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Sign up").click()
    yield "sign-up with errors"
    sign_in(page, ada)
    yield from visit(page, INSIDE)
    page.goto("/accounts/reauthenticate/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/settings/tokens/")
    yield from visit(page, PROVED)
    give_factors(ada)
    yield from visit(page, FACTORS)
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/accounts/2fa/authenticate/")
    yield "/accounts/2fa/authenticate/"


def test_no_account_page_breaks_a_rule(keep_rules: KeepRules, page: Page, ada: User) -> None:
    keep_rules(walk(page, ada))
