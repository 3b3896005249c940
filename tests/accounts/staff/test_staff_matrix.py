"""Whom staff may change: staff then x staff now x person x act, expected from the permissions they hold.

Staff are signed in with the permissions of ``then`` and act with those of ``now``, which differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations, product
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, DjangoDbBlocker

from accounts.authentication import mfa_reset
from accounts.authorization import acts
from accounts.errors import APIError
from accounts.members import removal
from accounts.models import Membership, User
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from accounts.registration import password_reset
from tests.support.lasting import lasting
from tests.support.people import browser_of, make_member, make_staff, make_user

pytestmark = pytest.mark.django_db

SUPPORT = frozenset(
    f"accounts.{one}"
    for one in ("view_user", "change_user", "delete_user", "view_membership", "delete_membership")
)
FULL = SUPPORT | acts.OWNER_PERMISSIONS
# None is a superuser, who holds everything.
HELD: dict[str, frozenset[str] | None] = {"support": SUPPORT, "full": FULL, "superuser": None}
PEOPLE: dict[str, frozenset[str] | None] = {
    "member": frozenset(),
    "owner": acts.OWNER_PERMISSIONS,
    "support": SUPPORT,
    "deactivated full": FULL,
    "full by group": FULL,
    "superuser": None,
}


def grant(user: User, held: frozenset[str] | None) -> User:
    user.is_superuser, user.is_staff = held is None, True
    user.save()
    user.user_permissions.set([permission(text) for text in held or ()])
    return User.objects.get(pk=user.pk)


def permission(text: str) -> Permission:
    app, _, codename = text.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def make_person(name: str) -> User:
    """Not the last owner, and with a second factor to be reset."""
    owner = make_member()
    member = make_member(owner.organization, Role.OWNER if name == "owner" else Role.MEMBER)
    user = member.user
    RecoveryCodes.activate(user)
    if name == "full by group":
        group = Group.objects.create(name="Full")
        group.permissions.set([permission(text) for text in FULL])
        user.groups.add(group)
        User.objects.filter(pk=user.pk).update(is_staff=True)
    elif name not in ("member", "owner"):
        grant(user, PEOPLE[name])
    if name == "deactivated full":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return User.objects.get(pk=user.pk)


@pytest.fixture(scope="module")
def lasting_people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, User]]:
    with lasting(django_db_blocker, lambda: {name: make_person(name) for name in PEOPLE}) as made:
        yield made


@pytest.fixture
def people(lasting_people: dict[str, User]) -> dict[str, User]:
    """By their names in ``PEOPLE``, as the database has them."""
    return {name: User.objects.get(pk=user.pk) for name, user in lasting_people.items()}


def one(user: User) -> Any:
    return User.objects.filter(pk=user.pk)


def remove(user: User, by: Actor) -> None:
    removal.remove(memberships=Membership.objects.filter(user=user), actor=by)


def reactivate(user: User, by: Actor) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    removal.reactivate(users=one(user), actor=by)


def deactivate(user: User, by: Actor) -> None:
    User.objects.filter(pk=user.pk).update(is_active=True)
    removal.deactivate(users=one(user), actor=by)


def mail_reset(user: User, by: Actor) -> None:
    User.objects.filter(pk=user.pk).update(is_active=True)
    password_reset.send_by_staff(User.objects.get(pk=user.pk), by=by)


ACTS: dict[str, Callable[[User, Actor], object]] = {
    "deactivate": deactivate,
    "reactivate": reactivate,
    "delete": lambda user, by: removal.delete_people(users=one(user), actor=by),
    "remove from an organization": remove,
    "reset the second factor": lambda user, by: mfa_reset.reset(users=one(user), actor=by),
    "send a reset mail": mail_reset,
}


def covers(staff: str, person: str) -> bool:
    """Whether the one's permissions hold all of the other's; None is everything."""
    held, needed = HELD[staff], PEOPLE[person]
    return held is None or (needed is not None and needed <= held)


def done(act: Callable[[User, Actor], object], person: User, by: Actor) -> bool:
    try:
        with transaction.atomic():
            act(person, by)
            transaction.set_rollback(True)
    except APIError:
        return False
    return True


@pytest.mark.parametrize(("then", "now"), list(permutations(HELD, 2)))
def test_staff_change_those_alone_whose_permissions_they_hold_now(
    then: str, now: str, people: dict[str, User]
) -> None:
    staff = grant(make_user(), HELD[then])
    by = Actor(type="staff", id=staff.pk, name="Sam", user_id=staff.pk)
    grant(staff, HELD[now])
    wanted = {(name, act): covers(now, name) for name, act in product(PEOPLE, ACTS)}
    assert {(name, act): done(ACTS[act], people[name], by) for name, act in product(PEOPLE, ACTS)} == wanted


def pages(user: User) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every address that changes a person in the admin."""
    membership = Membership.objects.get(user=user)
    chosen = {"_selected_action": user.pk, "confirmed": "yes", "post": "yes"}
    people = reverse("admin:accounts_user_changelist")
    actions = ("deactivate", "reactivate", "reset_second_factor", "delete_selected")
    return {
        "form": (reverse("admin:accounts_user_change", args=[user.pk]), {"name": "Renamed"}),
        "password": (reverse("admin:auth_user_password_change", args=[user.pk]), {"confirmed": "yes"}),
        "delete": (reverse("admin:accounts_user_delete", args=[user.pk]), {"post": "yes"}),
        **{name: (people, chosen | {"action": name}) for name in actions},
        "membership": (
            reverse("admin:accounts_membership_delete", args=[membership.pk]),
            {"post": "yes"},
        ),
        "memberships": (
            reverse("admin:accounts_membership_changelist"),
            {"action": "delete_selected", "_selected_action": membership.pk, "post": "yes"},
        ),
    }


def state(user: User) -> dict[str, Any]:
    row = User.objects.filter(pk=user.pk).values().get()
    return row | {"members": Membership.objects.filter(user=user).count(), "mails": len(mail.outbox)}


@pytest.mark.parametrize("person", [name for name in PEOPLE if not covers("support", name)])
def test_no_page_of_the_admin_changes_somebody_who_holds_more(
    person: str, people: dict[str, User], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    user, browser = people[person], make_staff(*SUPPORT)
    for name, (address, form) in pages(user).items():
        before = state(user)
        with django_capture_on_commit_callbacks(execute=True):
            browser.post(address, form)
        assert state(user) == before, name


def test_the_same_pages_change_somebody_who_holds_less(people: dict[str, User]) -> None:
    user, browser = people["member"], make_staff(*SUPPORT)
    for name, (address, form) in pages(user).items():
        with transaction.atomic():
            assert browser.post(address, form).status_code == 302, name
            transaction.set_rollback(True)


@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_only_superusers_decide_what_a_group_may_do(page: str, staff: Client) -> None:
    group = Group.objects.create(name="Support")
    arguments = [] if page == "add" else [group.pk]
    address = reverse(f"admin:auth_group_{page}", args=arguments)
    browser = make_staff(*(f"auth.{one}_group" for one in ("view", "add", "change", "delete")))
    form = {"name": "Other", "permissions": [permission("accounts.delete_user").pk], "post": "yes"}
    assert browser.post(address, form).status_code == 403
    assert staff.post(address, form).status_code == 302


def test_staff_who_are_signed_in_lose_what_they_lost(people: dict[str, User]) -> None:
    user = make_user(is_staff=True)
    browser = browser_of(grant(user, SUPPORT))
    grant(user, frozenset({"accounts.view_user"}))
    page = reverse("admin:accounts_user_change", args=[people["member"].pk])
    assert browser.post(page, {"name": "Renamed"}).status_code == 403
