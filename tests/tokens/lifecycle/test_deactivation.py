"""What a deactivated person held ends for good: reactivation brings none of it back."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from accounts.authentication.session_store import stored_key
from accounts.errors import APIError
from accounts.members import invitations, removal
from accounts.models import Membership, User
from accounts.models.mailed_claim import MailedClaim
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from accounts.registration import password_reset
from tests.accounts.authentication.flows import is_signed_in, sign_in
from tests.support.mails import MailingClient
from tests.support.people import PASSWORD, browser_of
from tests.support.sessions import make_person
from tests.support.team import make_invited, make_proven
from tests.tokens.lifecycle.test_receivers import DEACTIVATIONS, End, raw_deactivation

pytestmark = pytest.mark.django_db
EMAIL = "ada@example.com"


@pytest.fixture
def ada(owner: Membership) -> Membership:
    return make_person(owner.organization, Role.ADMIN, EMAIL)


@pytest.fixture
def browser(ada: Membership) -> MailingClient:
    browser = MailingClient()
    sign_in(browser, EMAIL, PASSWORD)
    assert is_signed_in(browser)
    return browser


def reactivate(member: Membership) -> None:
    removal.reactivate(users=User.objects.filter(pk=member.user_id), actor=SYSTEM)
    assert User.objects.get(pk=member.user_id).is_active


@pytest.mark.parametrize("end", [*DEACTIVATIONS, raw_deactivation])
def test_a_browser_session_stays_ended(ada: Membership, browser: MailingClient, end: End) -> None:
    end(ada)
    reactivate(ada)
    assert not is_signed_in(browser)
    sign_in(browser, EMAIL, PASSWORD)
    assert is_signed_in(browser)


def test_a_session_that_no_list_knows_stays_ended(ada: Membership) -> None:
    browser = browser_of(ada.user)
    assert browser.get("/settings/tokens/").status_code == 200
    removal.deactivate(users=User.objects.filter(pk=ada.user_id), actor=SYSTEM)
    reactivate(ada)
    assert browser.get("/settings/tokens/").status_code == 302


def test_the_rows_of_browser_sessions_are_gone(ada: Membership, browser: MailingClient) -> None:
    key = stored_key(browser.session)
    assert Session.objects.filter(session_key=key).exists()
    removal.deactivate(users=User.objects.filter(pk=ada.user_id), actor=SYSTEM)
    assert not Session.objects.filter(session_key=key).exists()
    assert not UserSession.objects.filter(user=ada.user).exists()


@pytest.mark.parametrize("end", [*DEACTIVATIONS, raw_deactivation])
def test_an_invitation_of_a_deactivated_inviter_stays_ended(ada: Membership, end: End) -> None:
    invited = make_invited(ada, "grace@example.com", Role.VIEWER)
    end(ada)
    reactivate(ada)
    with pytest.raises(APIError, match="invitation_gone"):
        invitations.accept(secret=invited.secret, user=make_proven("grace@example.com"))


def test_a_link_mailed_before_stays_ended(ada: Membership) -> None:
    password_reset.request(EMAIL)
    assert MailedClaim.objects.filter(user=ada.user, used_at=None).count() == 1
    removal.deactivate(users=User.objects.filter(pk=ada.user_id), actor=SYSTEM)
    reactivate(ada)
    assert not MailedClaim.objects.filter(user=ada.user, used_at=None).exists()
