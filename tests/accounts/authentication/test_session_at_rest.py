"""What django_session holds, keys and data: nothing that opens anything."""

from __future__ import annotations

import base64
import json
import zlib
from importlib import import_module
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection

from accounts.authentication import browser_sessions
from accounts.authentication.session_store import digest
from accounts.crypto.session_serializer import READABLE, SEALED
from accounts.members import invitations
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.accounts.authentication.flows import is_signed_in, make_person, sign_in, sign_up_on_page
from tests.accounts.authentication.test_mfa import prove
from tests.support.mails import MailingClient
from tests.support.people import actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db: None) -> Membership:
    return make_person().memberships.get()


@pytest.fixture
def secret(owner: Membership) -> str:
    return invitations.invite(actor=actor(owner), email="new@example.com", role=Role.MEMBER).secret


def readable() -> list[dict[str, Any]]:
    """Every stored session, as a reader of the table alone sees it."""
    return [json.loads(_unpacked(row.session_data)) for row in Session.objects.all()]


def _unpacked(stored: str) -> bytes:
    """Django's signed text: base64, compressed where it begins with a dot, and readable without any key."""
    text = stored.rsplit(":", 2)[0]
    packed = base64.urlsafe_b64decode(text.removeprefix(".") + "==")
    return zlib.decompress(packed) if text.startswith(".") else packed


def test_an_invitations_secret_is_not_readable_and_still_leads_back(secret: str) -> None:
    guest = MailingClient()
    guest.get(f"/accounts/invitations/{secret}/")
    stored = json.dumps(readable())
    assert SEALED in stored
    assert secret not in stored
    assert guest.get("/accounts/invitations/")["Location"] == f"/accounts/invitations/{secret}/"
    assert b"new@example.com" in guest.get("/accounts/signup/").content


def test_a_second_factor_that_is_being_set_up_is_not_readable(owner: Membership) -> None:
    browser = MailingClient()
    sign_in(browser)
    prove(browser)
    browser.get("/accounts/2fa/totp/activate/")
    pending = browser.session["mfa.totp.secret"]
    assert len(pending) == 32
    assert pending not in json.dumps(readable())


def test_only_who_is_signed_in_is_readable(owner: Membership, secret: str) -> None:
    guest, browser = MailingClient(), MailingClient()
    guest.get(f"/accounts/invitations/{secret}/")
    sign_up_on_page(MailingClient(), "other@example.com")
    sign_in(browser)
    prove(browser)
    browser.get("/accounts/2fa/totp/activate/")
    browser.get("/accounts/2fa/webauthn/add/")
    browser.post("/settings/organization/", {})
    sessions = readable()
    assert len(sessions) == 2
    for session in sessions:
        assert all(key == SEALED or key.startswith(READABLE) for key in session), session


def test_no_stored_key_opens_a_browsers_session(owner: Membership) -> None:
    browser, thief = MailingClient(), MailingClient()
    sign_in(browser)
    [stored] = Session.objects.values_list("session_key", flat=True)
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [stored]
    thief.cookies[settings.SESSION_COOKIE_NAME] = stored
    assert (is_signed_in(browser), is_signed_in(thief)) == (True, False)
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != stored


def test_browsers_of_the_version_before_stay_signed_in(owner: Membership) -> None:
    browser = MailingClient()
    sign_in(browser)
    plain = browser.cookies[settings.SESSION_COOKIE_NAME].value
    for model in (Session, UserSession):
        model.objects.update(session_key=plain)
    migration = import_module("accounts.migrations.0018_session_digests")
    with connection.schema_editor() as editor:
        migration.hash_keys(None, editor)
    assert is_signed_in(browser)
    assert [row.session_key for row in browser_sessions.of_user(owner.user)] == [digest(plain)]


def test_under_another_key_the_flow_is_dropped_and_nothing_fails(secret: str, settings: Any) -> None:
    guest = MailingClient()
    guest.get(f"/accounts/invitations/{secret}/")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of fifty characters that nobody has used"
    assert guest.get("/accounts/invitations/")["Location"].endswith(f"{secret}/")
    settings.SECRET_KEY_FALLBACKS = []
    assert guest.get("/accounts/invitations/")["Location"] == "/settings/tokens/"
