"""Support sessions: who opens one, how its link works, what the organization's log has of it, and its end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.authentication import support_sessions
from accounts.models import AuditEvent, Membership, Organization, SupportSession, User
from accounts.organizations import deletion
from accounts.permissions.actor import SYSTEM
from tests.support.people import browser_of, make_member, make_staff
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
LIST = reverse("admin:accounts_organization_changelist")
NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
REASON = "Ticket 4711: no calls arrive"
NEEDED = ("accounts.view_organization", support_sessions.PERMISSION)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as found:
        yield found


def ask(browser: Client, organization: Organization, reason: str = REASON) -> str:
    """The page after the confirmation, where the link is."""
    form = {"action": "support", "_selected_action": organization.pk, "confirmed": "yes", "reason": reason}
    return browser.post(LIST, form).content.decode()


def link_of(browser: Client, organization: Organization) -> str:
    [link] = re.findall(r'href="(/admin/support/\w{43}/)"', ask(browser, organization))
    return link


def enter(browser: Client, organization: Organization) -> None:
    assert browser.get(link_of(browser, organization)).headers["Location"] == "/settings/tokens/"


def events(organization: Organization) -> list[tuple[str, str, Any]]:
    found = AuditEvent.objects.filter(organization=organization, action__startswith="support.")
    return [(one.action, one.actor_type, one.changes) for one in found.order_by("sequence")]


def shows(browser: Client) -> str | None:
    """The organization whose settings the browser shows; None if it shows none."""
    found = browser.get("/settings/tokens/").context["workspace"].membership
    return found.organization.name if found else None


def test_a_link_opens_the_settings_as_a_viewer_for_thirty_minutes(clock: Any, owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    response = browser.get("/settings/tokens/")
    assert response.context["workspace"].membership.role == "viewer"
    assert "read-only, ends 12:30 UTC" in response.content.decode()
    clock.shift(timedelta(minutes=29, seconds=59))
    assert shows(browser) == owner.organization.name
    clock.shift(timedelta(seconds=1))
    assert "The support session has ended" in browser.get("/settings/tokens/").content.decode()
    assert shows(browser) is None


def test_the_log_of_the_organization_has_person_reason_and_end(clock: Any, owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    ended = browser.post(reverse("support-end"))
    assert ended.headers["Location"] == f"/admin/accounts/organization/{owner.organization_id}/change/"
    assert events(owner.organization) == [
        ("support.session_opened", "staff", {"reason": REASON, "endsAt": "2030-06-01 12:30:00+00:00"}),
        ("support.session_ended", "staff", {"cause": "ended"}),
    ]
    assert REASON in browser_of(owner.user).get("/settings/audit-log/?kind=organization").content.decode()
    assert LogEntry.objects.get().change_message == f"Asked for a support link: {REASON}"


def test_a_reason_is_required(owner: Membership) -> None:
    assert "Give a reason." in ask(make_staff(*NEEDED), owner.organization, reason=" ")
    assert not SupportSession.objects.exists()


def test_staff_without_the_permission_get_no_link(owner: Membership) -> None:
    browser = make_staff("accounts.view_organization", "accounts.change_organization")
    page = reverse("admin:accounts_organization_change", args=[owner.organization_id])
    assert "Support session" not in browser.get(page).content.decode()
    ask(browser, owner.organization)
    assert not SupportSession.objects.exists()


def test_a_link_works_once_and_for_sixty_seconds(clock: Any, owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    link = link_of(browser, owner.organization)
    late = link_of(browser, owner.organization)
    clock.shift(timedelta(seconds=59))
    assert browser.get(link).status_code == 302
    browser.post(reverse("support-end"))
    assert browser.get(link).status_code == 404
    clock.shift(timedelta(seconds=1))
    assert browser.get(late).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_a_link_at_once_one_succeeds(owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    secret = link_of(browser, owner.organization).split("/")[-2]
    staff = User.objects.get(is_staff=True)

    def open_it() -> bool:
        try:
            support_sessions.open_by_link(secret=secret, staff=staff)
        except support_sessions.InvalidLink:
            return False
        return True

    assert sorted(at_once([open_it, open_it])) == [False, True]
    assert [action for action, *_ in events(owner.organization)] == ["support.session_opened"]


def test_a_link_is_of_no_use_to_anybody_else(owner: Membership) -> None:
    link = link_of(make_staff(*NEEDED), owner.organization)
    for other in (make_staff(*NEEDED), Client(), browser_of(owner.user)):
        assert other.head(link).status_code == 405
        response = other.get(link)
        assert response.status_code == 404
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert support_sessions.SESSION_KEY not in other.session
    assert SupportSession.objects.get().opened_at is None


def test_a_link_is_stored_as_a_digest_and_no_log_has_it(
    owner: Membership, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = make_staff(*NEEDED)
    secret = link_of(browser, owner.organization).split("/")[-2]
    browser.get(f"/admin/support/{secret}/")
    browser.get(f"/admin/support/{secret}/")
    assert secret not in repr(SupportSession.objects.values_list())
    assert secret not in caplog.text + "".join(capfd.readouterr())


def test_the_session_gets_a_new_key_and_shows_no_other_organization(owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    staff = User.objects.get(is_staff=True)
    own = make_member(user=staff)
    link = link_of(browser, owner.organization)
    before = browser.session.session_key
    browser.get(link)
    assert browser.session.session_key != before
    switched = browser.post("/settings/switch-organization/", {"organization": own.organization.public_id})
    assert switched.status_code == 403
    session = browser.session
    session["organization"] = str(own.organization_id)
    session.save()
    assert shows(browser) == owner.organization.name
    browser.post(reverse("support-end"))
    assert shows(browser) == own.organization.name


def test_another_browser_of_the_same_person_is_not_in_the_session(owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    assert shows(browser_of(User.objects.get(is_staff=True))) is None


def test_the_session_of_another_member_of_staff_opens_nothing(owner: Membership) -> None:
    enter(make_staff(*NEEDED), owner.organization)
    other = make_staff(*NEEDED)
    session = other.session
    session[support_sessions.SESSION_KEY] = str(SupportSession.objects.get().pk)
    session.save()
    assert "The support session has ended" in other.get("/settings/tokens/").content.decode()
    assert shows(other) is None


def delete(member: Membership, staff: User) -> None:
    deletion.delete_by_staff(organization=member.organization, actor=SYSTEM)


def withdraw(member: Membership, staff: User) -> None:
    staff.user_permissions.clear()


def demote(member: Membership, staff: User) -> None:
    User.objects.filter(pk=staff.pk).update(is_staff=False)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (delete, "organization deleted"),
        (withdraw, "permission withdrawn"),
        (demote, "permission withdrawn"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_ends_with_the_organization_and_with_the_right(
    change: Any, cause: str, method: str, owner: Membership
) -> None:
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    change(owner, User.objects.get(is_staff=True))
    response = browser.generic(method, "/settings/theme/" if method == "POST" else "/settings/tokens/")
    assert response.status_code == 403
    assert "The support session has ended" in response.content.decode()
    assert events(owner.organization)[-1] == ("support.session_ended", "system", {"cause": cause})
    assert shows(browser) is None


@pytest.mark.parametrize("change", [delete, withdraw, demote])
def test_a_link_ends_with_the_organization_and_with_the_right(change: Any, owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    link = link_of(browser, owner.organization)
    change(owner, User.objects.get(is_staff=True))
    assert browser.get(link).status_code == 404
    assert events(owner.organization) == []


def test_an_ended_session_does_not_come_back(owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    stolen = Client()
    stolen.cookies = browser.cookies
    browser.post(reverse("support-end"))
    assert shows(stolen) is None


def test_signing_out_elsewhere_ends_it(owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    staff = User.objects.get(is_staff=True)
    staff.end_sessions()
    staff.save()
    assert browser.get("/settings/tokens/").status_code == 302
    again = browser_of(staff)
    assert shows(again) is None


def test_housekeeping_records_the_end_of_what_has_expired(clock: Any, owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    link_of(browser, owner.organization)
    enter(browser, owner.organization)
    clock.shift(timedelta(minutes=30))
    support_sessions.end_expired(timezone.now())
    support_sessions.end_expired(timezone.now())
    assert events(owner.organization)[1:] == [("support.session_ended", "system", {"cause": "expired"})]
    clock.shift(timedelta(days=2))
    support_sessions.end_expired(timezone.now())
    assert not SupportSession.objects.exists()


def test_a_policy_on_the_sign_in_of_members_does_not_keep_support_out(owner: Membership) -> None:
    Organization.objects.update(mfa_required=True, sso_required=True)
    browser = make_staff(*NEEDED)
    enter(browser, owner.organization)
    assert browser.get("/settings/usage/").status_code == 200
