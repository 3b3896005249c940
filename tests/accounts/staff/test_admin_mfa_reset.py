"""Staff reset a second factor: confirmed, mailed, recorded for the organizations; every session ends."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.audit import log
from accounts.audit.models import AuditEvent
from accounts.models import Membership, User
from accounts.permissions.roles import Role
from accounts.proof import Factor, proven
from tests.support.mails import MailingClient, link_of
from tests.support.people import browser_of, make_staff, make_user
from tests.support.sessions import join, login, make_person, opened, refresh
from tests.support.team import fresh_browser
from tokens.lifecycle.receivers import SIGNED_OUT

pytestmark = pytest.mark.django_db
LIST = reverse("admin:accounts_user_changelist")


@pytest.fixture
def ada(owner: Membership) -> Membership:
    """In two organizations, with an app and recovery codes."""
    ada = make_person(owner.organization, Role.ADMIN, "ada@example.com", name="Ada")
    join(ada.user)
    return protected(ada)


def protected(member: Membership) -> Membership:
    TOTP.activate(member.user, generate_totp_secret())
    RecoveryCodes.activate(member.user)
    return member


@pytest.fixture
def staff(db: None) -> Client:
    """A superuser's browser whose requests commit."""
    browser = MailingClient()
    browser.force_login(make_user("staff@example.com", is_staff=True, is_superuser=True, name="Sam"))
    return browser


def reset(browser: Client, *users: User, confirmed: str = "yes") -> str:
    form = {
        "action": "reset_second_factor",
        "_selected_action": [user.pk for user in users],
        "confirmed": confirmed,
    }
    return browser.post(LIST, form, follow=True).content.decode()


def is_protected(user: User) -> bool:
    return Authenticator.objects.filter(user=user).exists()


def test_it_is_confirmed_first(staff: Client, ada: Membership) -> None:
    html = reset(staff, ada.user, confirmed="")
    assert "all their sessions end" in html
    assert ada.user.email in html
    assert is_protected(ada.user)


def test_the_password_alone_signs_in_afterwards(staff: Client, ada: Membership) -> None:
    assert login("ada@example.com").json()["code"] == "mfa_required"
    assert "Second factor reset: 1." in reset(staff, ada.user)
    assert not is_protected(ada.user)
    assert login("ada@example.com").status_code == 200


def test_every_session_has_ended(staff: Client, ada: Membership) -> None:
    tokens, browser = opened(ada), browser_of(ada.user)
    assert browser.get("/settings/tokens/").status_code == 200
    reset(staff, ada.user)
    assert refresh(tokens.refresh_token).status_code == 401
    assert browser.get("/settings/tokens/").status_code == 302


def test_the_person_is_told_by_mail(staff: Client, ada: Membership) -> None:
    reset(staff, ada.user)
    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    assert message.subject == "Your second factor was reset by our staff"
    assert link_of(message).endswith("/accounts/2fa/")
    assert "/accounts/password/reset/" in str(message.body)
    assert "from the address" not in str(message.body)


def test_each_of_their_organizations_is_told_who_did_it(staff: Client, ada: Membership) -> None:
    opened(ada)
    reset(staff, ada.user)
    for membership in Membership.objects.filter(user=ada.user):
        events = AuditEvent.objects.filter(organization=membership.organization, actor_name="Sam")
        results = {one.action: (one.actor_type, one.target_name, one.changes) for one in events}
        methods = {"methods": ["Recovery codes", "TOTP Authenticator"]}
        assert results.pop("user.mfa_reset") == ("staff", "Ada", methods)
        ended = {"sessionsEnded": 1, "reason": SIGNED_OUT}
        here = membership.organization_id == ada.organization_id
        assert results == ({"sessions.ended": ("staff", "Ada", ended)} if here else {})
        assert log.first_broken(membership.organization_id) is None
    assert not AuditEvent.objects.filter(action="user.mfa_disabled").exists()
    assert LogEntry.objects.get().change_message == "Second factor reset."


def test_those_without_one_are_left_alone(staff: Client, ada: Membership, owner: Membership) -> None:
    browser = browser_of(owner.user)
    reset(staff, ada.user, owner.user)
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]
    assert browser.get("/settings/tokens/").status_code == 200


def test_nobody_resets_their_own(ada: Membership) -> None:
    User.objects.filter(pk=ada.user_id).update(is_staff=True, is_superuser=True)
    browser = browser_of(User.objects.get(pk=ada.user_id))
    assert "None of the selected users would be changed" in reset(browser, ada.user, confirmed="")
    reset(browser, ada.user)
    assert is_protected(ada.user)


def test_nobody_but_a_superuser_resets_a_superusers(ada: Membership) -> None:
    User.objects.filter(pk=ada.user_id).update(is_superuser=True)
    browser = make_staff("accounts.change_user", "accounts.view_user")
    reset(browser, ada.user)
    assert is_protected(ada.user)


def test_staff_who_may_only_look_reset_nothing(ada: Membership) -> None:
    reset(make_staff("accounts.view_user"), ada.user)
    assert is_protected(ada.user)


def test_where_the_organization_requires_one_they_are_led_to_set_it_up(
    staff: Client, ada: Membership, owner: Membership
) -> None:
    protected(owner)
    type(owner.organization).objects.update(mfa_required=True)
    tokens = opened(ada, proof=proven(Factor.TOTP))
    reset(staff, ada.user)
    assert refresh(tokens.refresh_token).status_code == 401
    page = fresh_browser(ada).get("/settings/tokens/")
    assert page.status_code == 403
    assert b"second factor" in page.content
