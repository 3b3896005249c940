"""A person who removes the last second factor keeps no session in an organization that requires one."""

from __future__ import annotations

from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from accounts.audit.log import first_broken
from accounts.audit.models import AuditEvent
from accounts.authentication import second_factor
from accounts.models import Membership, Organization
from accounts.proof import Factor, proven
from tests.support import sessions
from tests.support.clients import program
from tests.support.mails import MailingClient
from tests.support.people import PASSWORD, proving
from tests.support.sessions import join, make_person, refresh
from tests.support.threads import at_once
from tokens.grants.token_pair import TokenPair
from tokens.lifecycle.second_factors import REMOVED

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> Membership:
    return protected()


def protected() -> Membership:
    """A member with an app, a passkey and recovery codes of an organization that requires a factor."""
    ada = make_person(email="ada@example.com", name="Ada")
    TOTP.activate(ada.user, generate_totp_secret())
    RecoveryCodes.activate(ada.user)
    Organization.objects.filter(pk=ada.organization_id).update(mfa_required=True)
    return ada


def opened(member: Membership) -> TokenPair:
    """A session that was opened with the app."""
    factor = Authenticator.objects.get(user=member.user, type=Authenticator.Type.TOTP)
    proof = proven(Factor.PASSWORD).then(*proven(Factor.TOTP, authenticator=factor.pk).steps)
    return sessions.opened(member, proof=proof)


def passkey(ada: Membership) -> Authenticator:
    return Authenticator.objects.create(user=ada.user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})


def app(ada: Membership) -> Authenticator:
    return Authenticator.objects.get(user=ada.user, type=Authenticator.Type.TOTP)


def is_alive(tokens: TokenPair) -> bool:
    answer = program(tokens.access_token).get("/api/auth/whoami")
    if answer.status_code == 200:
        return True
    assert answer.json()["code"] == "token_revoked"
    assert refresh(tokens.refresh_token).status_code == 401
    return False


def results(organization: Organization) -> list[dict[str, object]]:
    events = AuditEvent.objects.filter(organization=organization, action="sessions.ended")
    return [one.changes for one in events]


def test_the_last_one_ends_them_and_only_where_one_is_required(ada: Membership) -> None:
    here, there = opened(ada), opened(join(ada.user))
    assert is_alive(here)
    app(ada).delete()
    assert not is_alive(here)
    assert is_alive(there)
    assert results(ada.organization) == [{"sessionsEnded": 1, "reason": REMOVED}]
    assert first_broken(ada.organization_id) is None


def test_another_factor_keeps_them(ada: Membership) -> None:
    here = opened(ada)
    second = passkey(ada)
    app(ada).delete()
    assert is_alive(here)
    second.delete()
    assert not is_alive(here)


def test_recovery_codes_keep_none_and_come_and_go_freely(ada: Membership) -> None:
    here = opened(ada)
    Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).delete()
    assert is_alive(here)
    RecoveryCodes.activate(ada.user)
    app(ada).delete()
    assert not second_factor.is_on(ada.user)
    assert not is_alive(here)


def test_all_at_once_in_one_statement(ada: Membership) -> None:
    here = opened(ada)
    passkey(ada)
    Authenticator.objects.filter(user=ada.user).delete()
    assert not is_alive(here)
    assert len(results(ada.organization)) == 1


def test_the_page_that_removes_it_ends_them_and_leads_to_the_next(ada: Membership) -> None:
    browser = MailingClient()
    app(ada).delete()
    browser.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
    TOTP.activate(ada.user, generate_totp_secret())
    here = opened(ada)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    proving(browser, ada.user, method="mfa", type="totp", id=app(ada).pk)
    assert browser.get("/settings/tokens/").status_code == 200
    assert browser.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not is_alive(here)
    assert b"second factor" in browser.get("/settings/tokens/").content
    assert browser.get("/settings/tokens/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_removals_at_once_see_each_other() -> None:
    for _ in range(5):
        ada = protected()
        here, factors = opened(ada), [app(ada), passkey(ada)]
        at_once([partial(one.delete) for one in factors])
        assert not is_alive(here)
        ada.user.delete()
