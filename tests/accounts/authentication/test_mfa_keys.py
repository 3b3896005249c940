"""Keys of second factors: SECRET_KEY and MFA_ENCRYPTION_KEYS rotate, and a lost key is never a 500."""

from __future__ import annotations

import stat
from io import StringIO
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.audit.models import AuditEvent
from accounts.authentication import mfa_secrets
from accounts.models import User
from tests.accounts.authentication.flows import is_signed_in, login_json, make_person, sign_in
from tests.accounts.authentication.test_mfa import code_of, turn_on
from tests.support.mails import MailingClient

pytestmark = pytest.mark.django_db
OTHER_SECRET_KEY = "another-key-" * 6
KEYS = ["a" * 30 + "-1", "b" * 30 + "-2"]
REFUSED = "ask the people who run this Tessera to reset your second factor"


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser(person: User) -> MailingClient:
    browser = MailingClient()
    sign_in(browser)
    return browser


def logs_in(code: str) -> bool:
    return login_json(MailingClient(), "ann@example.com", code=code).status_code == 200


def under_secret_key(settings: Settings) -> None:
    """As secrets were encrypted before they had keys of their own."""
    for authenticator in Authenticator.objects.exclude(type="webauthn"):
        for name in mfa_secrets.FIELDS:
            if name in authenticator.data:
                text = mfa_secrets.decrypt(authenticator.data[name])
                box = mfa_secrets._fernet(mfa_secrets.EARLIER_SALT, settings.SECRET_KEY)
                authenticator.data[name] = box.encrypt(text.encode()).decode()
        authenticator.save()


def lose_keys(settings: Settings, tmp_path: Path) -> None:
    settings.MFA_ENCRYPTION_KEYS = []
    settings.MFA_ENCRYPTION_KEY_FILE = str(tmp_path / "another-file")


def test_secret_key_may_be_replaced_without_a_fallback(browser: MailingClient, settings: Settings) -> None:
    secret = turn_on(browser)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER_SECRET_KEY, []
    assert logs_in(code_of(secret))


def test_the_default_key_is_created_once_for_its_owner_alone(
    browser: MailingClient, settings: Settings, tmp_path: Path
) -> None:
    lose_keys(settings, tmp_path)
    turn_on(browser)
    path = Path(settings.MFA_ENCRYPTION_KEY_FILE)
    key = path.read_text()
    assert len(key) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    mfa_secrets.encrypt("x")
    assert path.read_text() == key


def test_the_default_key_lies_beside_the_signing_keys() -> None:
    assert Path(settings.MFA_ENCRYPTION_KEY_FILE).parent == Path(settings.JWT_SIGNING_KEYS_FILE).parent


def test_own_keys_take_over_from_the_file(browser: MailingClient, settings: Settings) -> None:
    secret = turn_on(browser)
    settings.MFA_ENCRYPTION_KEYS = KEYS[:1]
    assert logs_in(code_of(secret))


def test_a_key_rotates_out_once_all_is_encrypted_again(browser: MailingClient, settings: Settings) -> None:
    settings.MFA_ENCRYPTION_KEYS = KEYS[:1]
    secret = turn_on(browser)
    settings.MFA_ENCRYPTION_KEYS = KEYS[::-1]
    call_command("mfa_reencrypt", stdout=(out := StringIO()))
    assert out.getvalue() == "current: 0, re-encrypted: 2, unreadable: 0\n"
    call_command("mfa_reencrypt", stdout=(out := StringIO()))
    assert out.getvalue() == "current: 2, re-encrypted: 0, unreadable: 0\n"
    settings.MFA_ENCRYPTION_KEYS = KEYS[1:]
    assert logs_in(code_of(secret))


@pytest.mark.parametrize("at", ["api", "page", "reauthentication"])
def test_using_a_code_encrypts_both_again(browser: MailingClient, settings: Settings, at: str) -> None:
    secret = turn_on(browser)
    under_secret_key(settings)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER_SECRET_KEY, [settings.SECRET_KEY]
    guest = MailingClient()
    if at == "api":
        assert logs_in(code_of(secret))
    elif at == "page":
        sign_in(guest)
        assert guest.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 302
    else:
        assert browser.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)}).status_code == 302
    settings.SECRET_KEY_FALLBACKS = []
    assert mfa_secrets.unreadable_owners() == []


def test_a_recovery_code_stays_used_after_it_was_encrypted_again(
    browser: MailingClient, settings: Settings
) -> None:
    turn_on(browser)
    code = browser.get("/accounts/2fa/recovery-codes/download/").content.decode().split()[-1]
    under_secret_key(settings)
    assert logs_in(code)
    assert Authenticator.objects.get(type="recovery_codes").data["used_mask"] > 0
    assert not logs_in(code)


def test_an_unreadable_secret_refuses_the_code_and_leads_to_staff(
    browser: MailingClient, settings: Settings, tmp_path: Path
) -> None:
    secret = turn_on(browser)
    lose_keys(settings, tmp_path)
    answer = login_json(MailingClient(), "ann@example.com", code=code_of(secret))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_code")
    assert REFUSED in answer.json()["detail"]
    guest = MailingClient()
    sign_in(guest)
    for browsing, path in ((guest, "authenticate"), (browser, "reauthenticate")):
        response = browsing.post(f"/accounts/2fa/{path}/", {"code": code_of(secret)})
        assert response.status_code == 200
        assert REFUSED in response.content.decode()
    assert not is_signed_in(guest)


def test_an_unreadable_secret_at_the_admin_is_a_refused_code(
    browser: MailingClient, person: User, settings: Settings, tmp_path: Path
) -> None:
    secret = turn_on(browser)
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    lose_keys(settings, tmp_path)
    guest = MailingClient()
    guest.get("/admin/login/")
    sign_in(guest)
    response = guest.post("/accounts/2fa/authenticate/?next=/admin/", {"code": code_of(secret)})
    assert REFUSED in response.content.decode()
    assert guest.get("/admin/").status_code == 302


def test_a_recovery_code_works_beside_an_unreadable_app(
    browser: MailingClient, settings: Settings, tmp_path: Path
) -> None:
    turn_on(browser)
    code = browser.get("/accounts/2fa/recovery-codes/download/").content.decode().split()[-1]
    Authenticator.objects.filter(type="totp").update(data={"secret": "gAAAAunreadable"})
    assert logs_in(code)


def test_an_unreadable_secret_counts_as_a_failed_sign_in(
    browser: MailingClient, settings: Settings, tmp_path: Path
) -> None:
    secret = turn_on(browser)
    lose_keys(settings, tmp_path)
    login_json(MailingClient(), "ann@example.com", code=code_of(secret))
    assert AuditEvent.objects.filter(action="user.sign_in_failed").count() == 1


def test_unreadable_recovery_codes_lead_to_new_ones(
    browser: MailingClient, settings: Settings, tmp_path: Path
) -> None:
    turn_on(browser)
    lose_keys(settings, tmp_path)
    assert browser.get("/accounts/2fa/").status_code == 200
    for path in ("", "download/"):
        response = browser.get(f"/accounts/2fa/recovery-codes/{path}")
        assert response["Location"] == "/accounts/2fa/recovery-codes/generate/"
    page = browser.get("/accounts/2fa/recovery-codes/generate/").content.decode()
    assert "cannot read your recovery codes" in page
    assert browser.post("/accounts/2fa/recovery-codes/generate/").status_code == 302
    assert browser.get("/accounts/2fa/recovery-codes/").status_code == 200


def test_the_command_and_the_check_report_what_no_key_reads(
    browser: MailingClient, person: User, settings: Settings, tmp_path: Path
) -> None:
    turn_on(browser)
    assert run_checks(tags=[Tags.database], databases=["default"]) == []
    lose_keys(settings, tmp_path)
    (found,) = run_checks(tags=[Tags.database], databases=["default"])
    assert (found.id, found.msg) == (
        "accounts.W001",
        "The second factor of 1 user(s) cannot be decrypted.",
    )
    for arguments in (["--check"], []):
        with pytest.raises(CommandError):
            call_command("mfa_reencrypt", *arguments, stdout=(out := StringIO()))
        assert f"unreadable: {person.public_id} ann@example.com" in out.getvalue()
