"""Memberships in the admin: removed one by one or in bulk, with their tokens, but never the last owner."""

from __future__ import annotations

import os
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import browser_of, make_member, make_organization, make_staff, make_token, make_user
from tests.support.threads import at_once
from tokens.models import ServiceAccountToken
from tokens.models.service_account import REMOVED

ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
LIST = reverse("admin:accounts_membership_changelist")
NEEDED = "An organization needs an owner. No owner would be left in Acme."


def remove(browser: Client, member: Membership) -> str:
    page = reverse("admin:accounts_membership_delete", args=[member.pk])
    return browser.post(page, {"post": "yes"}, follow=True).content.decode()


def remove_all(browser: Client, *members: Membership) -> str:
    form = {"action": "delete_selected", "_selected_action": [m.pk for m in members], "post": "yes"}
    return browser.post(LIST, form, follow=True).content.decode()


@pytest.fixture
def acme(db: None) -> Membership:
    """The one owner of Acme."""
    return make_member(make_organization("Acme"))


def test_a_removed_members_tokens_stop_and_say_who_and_why(staff: Client, acme: Membership) -> None:
    member = make_member(acme.organization, Role.ADMIN)
    made = make_token(member).token
    kept = make_token(acme).token
    remove(staff, member)
    made.refresh_from_db()
    kept.refresh_from_db()
    assert made.revoked_at is not None
    assert made.revoked_by is not None
    assert (made.revoked_by.email, made.revoked_reason) == ("staff@example.com", REMOVED)
    assert kept.revoked_at is None
    assert LogEntry.objects.get().is_deletion()


def test_bulk_removal_stops_every_ones_tokens(staff: Client, db: None) -> None:
    members = [make_member(make_member().organization, Role.ADMIN) for _ in range(3)]
    for member in members:
        make_token(member)
    remove_all(staff, *members)
    assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()
    assert LogEntry.objects.count() == 3
    assert Membership.objects.filter(role=Role.ADMIN).count() == 0


def test_the_last_owner_is_not_removed(staff: Client, acme: Membership) -> None:
    issued = make_token(acme).token
    assert NEEDED in remove(staff, acme)
    assert Membership.objects.filter(pk=acme.pk).exists()
    issued.refresh_from_db()
    assert issued.revoked_at is None
    assert not LogEntry.objects.exists()


def test_all_owners_together_are_not_removed_either(staff: Client, acme: Membership) -> None:
    other = make_member(acme.organization)
    bystander = make_member(make_member().organization, Role.VIEWER)
    assert NEEDED in remove_all(staff, acme, other, bystander)
    assert Membership.objects.filter(pk__in=[acme.pk, other.pk, bystander.pk]).count() == 3
    assert not LogEntry.objects.exists()


def test_a_deactivated_owner_is_no_owner_to_be_left_with(staff: Client, acme: Membership) -> None:
    make_member(acme.organization, user=make_user(is_active=False))
    assert NEEDED in remove(staff, acme)


def test_one_of_two_owners_is_removed(staff: Client, acme: Membership) -> None:
    other = make_member(acme.organization)
    remove(staff, other)
    assert list(acme.organization.memberships.all()) == [acme]


def test_a_membership_is_not_made_or_changed_here(staff: Client, acme: Membership) -> None:
    forged = {"organization": acme.organization_id, "user": make_user().pk, "role": "owner"}
    assert staff.post(reverse("admin:accounts_membership_add"), forged).status_code == 403
    page = reverse("admin:accounts_membership_change", args=[acme.pk])
    assert staff.get(page).status_code == 200
    assert staff.post(page, forged | {"role": "viewer"}).status_code == 403
    assert Membership.objects.get().role == Role.OWNER


def test_staff_who_may_only_look_remove_nobody(acme: Membership) -> None:
    browser = make_staff("accounts.view_membership")
    member = make_member(acme.organization, Role.VIEWER)
    page = reverse("admin:accounts_membership_delete", args=[member.pk])
    assert browser.post(page, {"post": "yes"}).status_code == 403
    remove_all(browser, member)
    assert Membership.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_staff_removing_both_owners_leave_one() -> None:
    for _ in range(ROUNDS):
        owners = [make_member(make_organization("Acme"))]
        owners.append(make_member(owners[0].organization))
        tasks = [partial(remove, root(), owner) for owner in owners]
        pages = at_once(tasks)
        assert not [page for page in pages if isinstance(page, Exception)], pages
        assert owners[0].organization.memberships.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_bulk_removals_over_the_same_organizations_never_deadlock() -> None:
    for _ in range(ROUNDS):
        organizations = [make_member().organization for _ in range(4)]
        there = [make_member(one, Role.ADMIN) for one in organizations]
        back = [make_member(one, Role.ADMIN) for one in reversed(organizations)]
        for member in (*there, *back):
            make_token(member)
        tasks = [partial(remove_all, root(), *chosen) for chosen in (there, back)]
        pages = at_once(tasks)
        assert not [page for page in pages if isinstance(page, Exception)], pages
        assert not Membership.objects.filter(role=Role.ADMIN).exists()
        assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()


def root() -> Client:
    return browser_of(make_user(is_staff=True, is_superuser=True))
