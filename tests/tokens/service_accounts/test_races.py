"""The promises under a crowd, on a real PostgreSQL: the cap, and removal against creation."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import errors
from accounts.errors import APIError
from accounts.members import removal
from accounts.models import Membership, User
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from ratelimit.models import Plan
from tests.support.people import actor, make_member, make_token, make_user
from tests.support.threads import at_once
from tokens.credentials import token_lookup
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued, issue
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
FEWER_ROUNDS = max(1, ROUNDS * 2 // 5)
LIMIT = settings.ACTIVE_TOKENS_PER_ORGANIZATION


def creation(member: Membership, name: str) -> Callable[[], Issued]:
    return partial(issue, actor=actor(member), name=name, permissions=["index:read:*"], expires_in_days=1)


def active(member: Membership) -> int:
    tokens = ServiceAccountToken.objects.filter(organization=member.organization)
    return tokens.active(timezone.now()).count()


def test_forty_parallel_creators_at_49_make_exactly_one_more() -> None:
    owner = make_member()
    for number in range(LIMIT - 1):
        make_token(owner, f"old {number}")
    for _ in range(FEWER_ROUNDS):
        results = at_once([creation(owner, f"new {number}") for number in range(40)])
        made = [result for result in results if isinstance(result, Issued)]
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert len(made) == 1
        assert refused == [errors.TOKEN_LIMIT_REACHED] * 39
        assert active(owner) == LIMIT
        revoke(token=made[0].token, actor=SYSTEM)


def test_ten_parallel_creators_of_one_name_make_one() -> None:
    owner = make_member()
    results = at_once([creation(owner, "ci")] * 10)
    assert sum(isinstance(result, Issued) for result in results) == 1
    assert active(owner) == 1


def delete(member: Membership) -> object:
    return member.delete()


def delete_queryset(member: Membership) -> object:
    return Membership.objects.filter(pk=member.pk).delete()


def delete_user(member: Membership) -> object:
    return User.objects.get(pk=member.user_id).delete()


def remove(member: Membership) -> object:
    return removal.remove(memberships=Membership.objects.filter(pk=member.pk), actor=SYSTEM)


def deactivate(member: Membership) -> object:
    user = User.objects.get(pk=member.user_id)
    user.is_active = False
    return user.save()


ENDS = (delete, delete_queryset, delete_user, remove, deactivate)


def after(pauses: int, task: Callable[[], Issued]) -> Issued:
    """Look something up first, so that the other side of the race gets a start of that length."""
    for _ in range(pauses):
        Plan.objects.exists()
    return task()


def test_no_token_outlives_a_removal_that_races_its_creation() -> None:
    owner = make_member()
    outcomes = set()
    for number in range(ROUNDS):
        member = make_member(owner.organization, Role.ADMIN)
        tasks: list[Callable[[], object]] = [partial(ENDS[number % len(ENDS)], member)]
        tasks += [partial(after, number % 7 + n, creation(member, f"{number} {n}")) for n in range(3)]
        results = at_once(tasks)[1:]
        made = [result for result in results if isinstance(result, Issued)]
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert len(made) + len(refused) == 3, results
        assert all(error is errors.TOKEN_REVOKED for error in refused)
        for issued in made:
            assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED
        tokens = ServiceAccountToken.objects.filter(organization=owner.organization)
        assert not tokens.filter(revoked_at=None).exists()
        outcomes |= {bool(made), not refused}
    # A race that always ends alike has tested nothing.
    assert outcomes == {True, False} or ROUNDS < 20


def test_people_in_the_same_organizations_are_deleted_at_once_without_a_deadlock() -> None:
    for _ in range(ROUNDS):
        there = [make_member() for _ in range(5)]
        people = [make_user(), make_user()]
        for user, chosen in zip(people, (there, reversed(there)), strict=True):
            for owner in chosen:
                make_token(make_member(owner.organization, Role.ADMIN, user=user))
        results = at_once([person.delete for person in people])
        assert not [result for result in results if isinstance(result, Exception)], results
        assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()


def test_two_owners_who_remove_each_other_leave_one() -> None:
    for _ in range(FEWER_ROUNDS):
        owner = make_member()
        other = make_member(owner.organization)
        results = at_once([partial(remove, owner), partial(remove, other)])
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert refused == [errors.LAST_OWNER]
        assert owner.organization.memberships.count() == 1
