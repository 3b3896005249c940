"""People in the admin: deactivated, deleted, given a new password; its hash is never seen."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Membership, User
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import (
    PASSWORD,
    browser_of,
    make_member,
    make_organization,
    make_staff,
    make_token,
    make_user,
)
from tokens.models import ServiceAccountToken
from tokens.models.service_account import DEACTIVATED

LIST = reverse("admin:accounts_user_changelist")


def page_of(user: User, page: str = "change") -> str:
    return reverse(f"admin:accounts_user_{page}", args=[user.pk])


def act(browser: Client, action: str, *users: User, **more: str) -> str:
    form = {"action": action, "_selected_action": [user.pk for user in users], "confirmed": "yes"} | more
    return browser.post(LIST, form, follow=True).content.decode()


@pytest.fixture
def acme(db: None) -> Membership:
    """The one owner of Acme."""
    return make_member(make_organization("Acme"))


@pytest.fixture
def person(acme: Membership) -> Membership:
    return make_member(acme.organization, Role.ADMIN)


@pytest.mark.parametrize("hasher", ["Argon2PasswordHasher", "PBKDF2PasswordHasher"])
@pytest.mark.parametrize("permission", ["view", "change"])
def test_no_page_shows_a_password_hash(
    person: Membership, settings: Settings, hasher: str, permission: str
) -> None:
    settings.PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{hasher}"]
    person.user.set_password(PASSWORD)
    person.user.save()
    algorithm = person.user.password.partition("$")[0]
    browser = make_staff(f"accounts.{permission}_user")
    for page in (LIST, page_of(person.user), page_of(person.user, "history")):
        html = browser.get(page).content.decode()
        assert person.user.email in html
        assert algorithm not in html
        assert person.user.password[-10:] not in html


def test_a_filter_in_the_address_does_not_ask_about_a_password(staff: Client, person: Membership) -> None:
    assert staff.get(LIST, {"password__startswith": "a"}).status_code == 400
    members = reverse("admin:accounts_membership_changelist")
    assert staff.get(members, {"user__password__startswith": "a"}).status_code == 400


def test_staff_send_a_reset_mail_and_set_no_password(staff: Client, person: Membership) -> None:
    assert "Send a password reset mail" in staff.get(page_of(person.user)).content.decode()
    page = reverse("admin:auth_user_password_change", args=[person.user_id])
    new = "another-long-passphrase"
    form = {"password1": new, "password2": new, "usable_password": "true"}
    assert staff.post(page, form).status_code == 200
    assert not LogEntry.objects.exists()
    assert staff.post(page, form | {"confirmed": "yes"}).status_code == 302
    person.user.refresh_from_db()
    assert person.user.check_password(PASSWORD)
    assert LogEntry.objects.get().change_message == "Password reset mail sent."


def test_a_deactivated_person_is_mailed_no_reset(staff: Client, person: Membership) -> None:
    act(staff, "deactivate", person.user)
    page = reverse("admin:auth_user_password_change", args=[person.user_id])
    html = staff.post(page, {"confirmed": "yes"}, follow=True).content.decode()
    assert f"{person.user} is deactivated." in html


def test_deactivation_is_confirmed_first_and_stops_the_tokens(staff: Client, person: Membership) -> None:
    program(make_token(person)).get("/api/auth/whoami")
    asked = act(staff, "deactivate", person.user, confirmed="")
    assert "stop for good" in asked
    assert "1 active API token. 1 call in 24 hours, 1 in 7 days, last 20" in asked
    assert User.objects.get(pk=person.user_id).is_active
    act(staff, "deactivate", person.user)
    assert not User.objects.get(pk=person.user_id).is_active
    token = ServiceAccountToken.objects.get()
    assert token.revoked_reason == DEACTIVATED
    assert token.revoked_by is not None
    assert token.revoked_by.email == "staff@example.com"
    act(staff, "reactivate", person.user)
    assert User.objects.get(pk=person.user_id).is_active
    assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()
    results = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(results) == ["Deactivated.", "Reactivated."]


@pytest.mark.parametrize("action", ["deactivate", "delete_selected"])
def test_the_last_owner_stays(staff: Client, acme: Membership, person: Membership, action: str) -> None:
    html = act(staff, action, acme.user, person.user, post="yes")
    assert "An organization needs an owner. No owner would be left in Acme." in html
    assert User.objects.filter(pk__in=[acme.user_id, person.user_id], is_active=True).count() == 2
    assert not LogEntry.objects.exists()


def test_a_deleted_persons_tokens_stop(staff: Client, person: Membership) -> None:
    make_token(person)
    assert staff.post(page_of(person.user, "delete"), {"post": "yes"}).status_code == 302
    token = ServiceAccountToken.objects.get()
    assert token.revoked_at is not None
    assert token.created_by is None
    assert not Membership.objects.filter(pk=person.pk).exists()


def test_whoever_has_acted_here_is_not_deleted_with_their_log(staff: Client, person: Membership) -> None:
    act(staff, "deactivate", person.user)
    root = User.objects.get(email="staff@example.com")
    staff.post(page_of(root, "delete"), {"post": "yes"})
    act(staff, "delete_selected", root, post="yes")
    assert User.objects.filter(pk=root.pk).exists()
    assert LogEntry.objects.count() == 1


def test_nobody_but_a_superuser_makes_staff(db: None) -> None:
    browser = make_staff("accounts.change_user", "accounts.view_user")
    user = User.objects.get()
    form = {"name": "Renamed", "is_staff": "on", "is_superuser": "on", "is_active": "on"}
    assert browser.post(page_of(user), form).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.is_superuser) == ("Renamed", False)
    assert LogEntry.objects.get().change_message == "Name: none → Renamed"


@pytest.mark.parametrize("page", ["change", "delete", "password"])
def test_nobody_but_a_superuser_touches_a_superuser(page: str, db: None) -> None:
    browser = make_staff("accounts.change_user", "accounts.delete_user")
    root = make_user(is_staff=True, is_superuser=True)
    name = "admin:auth_user_password_change" if page == "password" else f"admin:accounts_user_{page}"
    form = {"name": "x", "post": "yes", "confirmed": "yes"}
    assert browser.post(reverse(name, args=[root.pk]), form).status_code == 403
    form = {"action": "deactivate", "_selected_action": root.pk, "confirmed": "yes"}
    assert browser.post(LIST, form).status_code == 403
    root.refresh_from_db()
    assert root.is_active
    assert root.check_password(PASSWORD)


def test_an_address_and_activity_are_not_edited_in_the_form(staff: Client, person: Membership) -> None:
    staff.post(page_of(person.user), {"name": "x", "email": "evil@example.com", "password": "x"})
    user = User.objects.get(pk=person.user_id)
    assert (user.name, user.email, user.is_active) == ("x", person.user.email, True)
    assert user.check_password(PASSWORD)


def test_a_person_is_not_made_here(staff: Client) -> None:
    form = {"email": "a@example.com", "password1": "q" * 20, "password2": "q" * 20}
    assert staff.post(reverse("admin:accounts_user_add"), form).status_code == 403


def test_a_person_is_not_kept_signed_in_by_a_deactivation(staff: Client, person: Membership) -> None:
    browser = browser_of(person.user)
    act(staff, "deactivate", person.user)
    assert browser.get("/settings/tokens/").status_code == 302
