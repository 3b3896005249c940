"""Setting up the first second factor ends every other session of the person, and is a proof in this one."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from tests.accounts.authentication.test_mfa import turn_on
from tests.support.clients import program
from tests.support.mails import MailingClient
from tests.support.people import PASSWORD
from tests.support.sessions import make_person, opened, refresh
from tests.tokens.api.test_exchange import exchange
from tokens.grants.token_pair import TokenPair

pytestmark = pytest.mark.django_db
PAGE = "/settings/tokens/"


@pytest.fixture
def ada(db: None) -> Membership:
    return make_person(role=Role.ADMIN, email="ann@example.com", name="Ann")


def signed_in() -> MailingClient:
    browser = MailingClient()
    browser.post("/accounts/login/", {"login": "ann@example.com", "password": PASSWORD})
    assert browser.get(PAGE).status_code == 200
    return browser


def is_alive(tokens: TokenPair) -> bool:
    return program(tokens.access_token).get("/api/auth/whoami").status_code == 200


def set_up(browser: MailingClient) -> None:
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    turn_on(browser)


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.accounts.authentication.test_mfa.PASSWORD", PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_it_ends_every_other_session(ada: Membership) -> None:
    here, elsewhere, tokens = signed_in(), signed_in(), opened(ada)
    exchanged = exchange(elsewhere).json()["refresh_token"]
    set_up(here)
    assert here.get(PAGE).status_code == 200
    assert elsewhere.get(PAGE).status_code == 302
    assert not is_alive(tokens)
    assert refresh(exchanged).status_code == refresh(tokens.refresh_token).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_further_one_ends_none(ada: Membership) -> None:
    Authenticator.objects.create(user=ada.user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    here, tokens = MailingClient(), opened(ada)
    here.force_login(ada.user)
    set_up(here)
    assert is_alive(tokens)


@pytest.mark.django_db(transaction=True)
def test_it_is_a_proof_in_this_browser(ada: Membership) -> None:
    here = signed_in()
    Organization.objects.filter(pk=ada.organization_id).update(mfa_required=True)
    assert here.get(PAGE).status_code == 403
    set_up(here)
    assert here.get(PAGE).status_code == 200
