"""The promises of a team under a crowd, on a real PostgreSQL: owners, invitations, removals."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from accounts import errors
from accounts.audit import log
from accounts.errors import APIError
from accounts.members import invitations, removal, roles
from accounts.models import Membership, User
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from ratelimit.models import Plan
from tests.support.people import actor, make_member, make_token, make_user
from tests.support.team import make_invited, make_proven
from tests.support.threads import at_once
from tokens.credentials import token_lookup
from tokens.lifecycle import member_removal
from tokens.service_accounts.issue import Issued, issue

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
Act = Callable[[Membership, Membership], object]


def demote(one: Membership, other: Membership) -> object:
    return roles.change(actor=actor(one), member_id=other.pk, role=Role.ADMIN)


def step_down(one: Membership, other: Membership) -> object:
    return roles.change(actor=actor(one), member_id=one.pk, role=Role.VIEWER)


def remove(one: Membership, other: Membership) -> object:
    return member_removal.remove(actor=actor(one), member_id=other.pk)


def leave(one: Membership, other: Membership) -> object:
    return member_removal.remove(actor=actor(one), member_id=one.pk)


def deactivate(one: Membership, other: Membership) -> object:
    return removal.deactivate(users=User.objects.filter(pk=one.user_id), actor=SYSTEM)


def delete(one: Membership, other: Membership) -> object:
    return removal.delete_people(users=User.objects.filter(pk=one.user_id), actor=SYSTEM)


PAIRS = list(product((demote, step_down, remove, leave, deactivate, delete), repeat=2))


def test_two_owners_who_end_each_other_at_once_leave_one() -> None:
    """The second one is the last owner, or has lost the right to act."""
    for number in range(ROUNDS):
        one = make_member()
        other = make_member(one.organization)
        first, second = PAIRS[number % len(PAIRS)]
        results = at_once([partial(first, one, other), partial(second, other, one)])
        problems = [result for result in results if isinstance(result, Exception)]
        owners = Membership.objects.active().filter(organization=one.organization, role=Role.OWNER)
        assert owners.count() >= 1, (first, second, results)
        assert all(isinstance(problem, APIError) for problem in problems), (first, second, results)
        assert {problem.error for problem in problems if isinstance(problem, APIError)} <= {
            errors.LAST_OWNER,
            errors.TOKEN_REVOKED,
            errors.FORBIDDEN,
            errors.INSUFFICIENT_SCOPE,
            errors.NOT_FOUND,
        }
        assert log.first_broken(one.organization_id) is None


def test_the_loser_of_two_who_leave_at_once_is_told_last_owner() -> None:
    for number in range(ROUNDS):
        one = make_member()
        other = make_member(one.organization)
        act = (leave, step_down, deactivate, delete)[number % 4]
        results = at_once([partial(act, one, other), partial(act, other, one)])
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert refused == [errors.LAST_OWNER], (act, results)


def test_of_twenty_who_accept_at_once_one_joins() -> None:
    for _ in range(max(1, ROUNDS // 10)):
        owner = make_member()
        secret = make_invited(owner, f"{make_user().pk.hex}@example.com").secret
        invited = invitations.find(secret)
        assert invited is not None
        person = make_proven(invited.email)
        results = at_once([partial(invitations.accept, secret=secret, user=person)] * 20)
        assert sum(isinstance(result, Membership) for result in results) == 1
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert refused == [errors.INVITATION_GONE] * 19
        assert owner.organization.memberships.filter(user=person).count() == 1


def test_of_two_links_for_one_address_sent_at_once_one_works() -> None:
    owner = make_member()
    email = f"{make_user().pk.hex}@example.com"
    results = at_once([partial(make_invited, owner, email)] * 3)
    secrets = [result.secret for result in results if isinstance(result, invitations.Invited)]
    assert len(secrets) == 3
    assert sum(invitations.find(secret) is not None for secret in secrets) == 1


def after(pauses: int, task: Callable[[], object]) -> object:
    """Look something up first, so that the other side of the race gets a start of that length."""
    for _ in range(pauses):
        Plan.objects.exists()
    return task()


def test_an_inviters_removal_and_the_acceptance_are_ordered() -> None:
    """Accepted first, or gone: never a member by an invitation that was dead."""
    outcomes = set()
    for number in range(ROUNDS):
        owner = make_member()
        admin = make_member(owner.organization, Role.ADMIN)
        person = make_proven(f"{admin.pk.hex}@example.com")
        secret = make_invited(admin, person.email, Role.ADMIN).secret
        accept = partial(invitations.accept, secret=secret, user=person)
        results = at_once(
            [partial(after, 12, partial(remove, owner, admin)), partial(after, number % 25, accept)]
        )
        assert not isinstance(results[0], Exception), results
        joined = isinstance(results[1], Membership)
        assert joined or (isinstance(results[1], APIError) and results[1].error is errors.INVITATION_GONE), (
            results
        )
        assert Membership.objects.filter(user=person).exists() is joined
        actions = list(owner.organization.audit_events.order_by("sequence").values_list("action", flat=True))
        order = [action for action in actions if action in ("member.joined", "member.removed")]
        assert order == (["member.joined", "member.removed"] if joined else ["member.removed"])
        outcomes.add(joined)
    # A race that always ends alike has tested nothing.
    assert outcomes == {True, False} or ROUNDS < 20


def test_no_token_outlives_a_removal_that_hands_others_over() -> None:
    outcomes = set()
    for number in range(ROUNDS):
        owner = make_member()
        member = make_member(owner.organization, Role.ADMIN)
        kept = make_token(member, "kept")
        create = partial(
            issue, actor=actor(member), name="new", permissions=["index:read:*"], expires_in_days=1
        )
        transfers = {kept.token.pk: owner.pk}
        results = at_once(
            [
                partial(member_removal.remove, actor=actor(owner), member_id=member.pk, transfers=transfers),
                partial(after, number % 9, create),
            ]
        )
        assert not isinstance(results[0], Exception), results
        assert not isinstance(token_lookup.authenticate_token(kept.plaintext), errors.ErrorCode)
        made = isinstance(results[1], Issued)
        if isinstance(results[1], Issued):
            assert token_lookup.authenticate_token(results[1].plaintext) is errors.TOKEN_REVOKED
        else:
            assert isinstance(results[1], APIError), results
            assert results[1].error is errors.TOKEN_REVOKED
        assert log.first_broken(owner.organization_id) is None
        outcomes.add(made)
    assert outcomes == {True, False} or ROUNDS < 20


def test_two_who_remove_each_other_while_tokens_are_made_meet_no_deadlock() -> None:
    for number in range(max(1, ROUNDS // 5)):
        owner = make_member()
        admins = [make_member(owner.organization, Role.ADMIN) for _ in range(4)]
        for admin in admins:
            make_token(admin)
        acts: list[Callable[[], object]] = [partial(remove, admins[n], admins[(n + 1) % 4]) for n in range(4)]
        acts += [
            partial(
                issue,
                actor=actor(admin),
                name=f"{number} {n}",
                permissions=["index:read:*"],
                expires_in_days=1,
            )
            for n, admin in enumerate(admins)
        ]
        results = at_once(acts)
        assert all(isinstance(one, APIError) for one in results if isinstance(one, Exception)), results
        assert log.first_broken(owner.organization_id) is None
