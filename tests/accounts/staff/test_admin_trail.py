"""What staff change of a person in the admin stands in their organizations' logs, before and after."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEvent
from accounts.models import Membership, Organization, User
from accounts.permissions.roles import Role
from tests.support.mails import MailingClient, secret_of
from tests.support.people import make_member, make_user
from tests.support.sessions import join, make_person, opened, refresh

pytestmark = pytest.mark.django_db
NEW = "another-long-passphrase"


@pytest.fixture
def ada(owner: Membership) -> Membership:
    ada = make_person(owner.organization, Role.ADMIN, "ada@example.com", name="Ada")
    join(ada.user)
    return ada


@pytest.fixture
def staff(db: None) -> Client:
    """A superuser's browser whose requests commit."""
    browser = MailingClient()
    browser.force_login(make_user("staff@example.com", is_staff=True, is_superuser=True, name="Sam"))
    return browser


def results(organization: Organization) -> list[tuple[str, str, str, dict[str, Any]]]:
    events = AuditEvent.objects.filter(organization=organization, actor_type="staff").order_by("sequence")
    return [(one.action, one.actor_name, one.target_name, one.changes) for one in events]


def organizations_of(member: Membership) -> list[Organization]:
    return list(Organization.objects.filter(memberships__user=member.user))


def edit(browser: Client, user: User, **form: object) -> None:
    page = reverse("admin:accounts_user_change", args=[user.pk])
    assert browser.post(page, {"name": user.name} | form).status_code == 302


def send_reset(browser: Client, user: User) -> None:
    page = reverse("admin:auth_user_password_change", args=[user.pk])
    assert browser.post(page, {"confirmed": "yes"}).status_code == 302


def test_an_edit_is_told_in_each_of_their_organizations(staff: Client, ada: Membership) -> None:
    support = Group.objects.create(name="Support")
    edit(staff, ada.user, name="Ada L.", is_staff="on", groups=[support.pk])
    changes = {"name": ["Ada", "Ada L."], "is_staff": [False, True], "groups": [[], ["Support"]]}
    for organization in organizations_of(ada):
        assert results(organization) == [("user.changed", "Sam", "Ada L.", changes)]


def test_a_superusers_right_is_told(staff: Client, ada: Membership) -> None:
    edit(staff, ada.user, is_superuser="on")
    assert results(ada.organization)[0][3] == {"is_superuser": [False, True]}


def test_saving_without_a_change_tells_nothing(staff: Client, ada: Membership) -> None:
    edit(staff, ada.user)
    assert results(ada.organization) == []


def test_locking_out_and_letting_in_again_is_told(staff: Client, ada: Membership) -> None:
    make_member(next(one for one in organizations_of(ada) if one != ada.organization))
    for action in ("deactivate", "reactivate"):
        form = {"action": action, "_selected_action": ada.user_id, "confirmed": "yes"}
        staff.post(reverse("admin:accounts_user_changelist"), form)
    actions = [action for action, *_ in results(ada.organization)]
    assert actions == ["user.deactivated", "user.reactivated"]


def test_a_reset_mail_of_staff_is_recorded_and_changes_nothing_by_itself(
    staff: Client, ada: Membership
) -> None:
    tokens = opened(ada)
    send_reset(staff, ada.user)
    for organization in organizations_of(ada):
        assert results(organization) == [("user.reset_mailed", "Sam", "Ada", {})]
    assert refresh(tokens.refresh_token).status_code == 200


def test_the_mailed_link_sets_a_password_that_staff_do_not_know(staff: Client, ada: Membership) -> None:
    send_reset(staff, ada.user)
    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    body = {"token": secret_of(message), "password": NEW}
    assert MailingClient().send_json("/v1/auth/password-reset/confirm", body).status_code < 300
    ada.user.refresh_from_db()
    assert ada.user.check_password(NEW)
