"""Flows that change a person lock organizations first: run against each other, none waits in a circle."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from accounts.audit.log import first_broken
from accounts.authentication.mailed_links import Claim, InvalidLink, find, issue
from accounts.errors import APIError
from accounts.members import invitations, removal
from accounts.models import Membership, User
from accounts.models.mailed_claim import LinkKind
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from accounts.registration import email_change, password_reset, sign_up
from tests.support.people import make_member, make_user
from tests.support.team import make_invited, make_proven
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "6"))
NEW = "another-long-passphrase"


def run(*tasks: Callable[[], object]) -> list[object]:
    results = at_once(tasks)
    problems = [
        one for one in results if isinstance(one, Exception) and not isinstance(one, APIError | InvalidLink)
    ]
    assert not problems, problems
    return list(results)


def deactivate(*users: User) -> Callable[[], object]:
    chosen = User.objects.filter(pk__in=[user.pk for user in users])
    return partial(removal.deactivate, users=chosen, actor=SYSTEM)


def test_an_address_is_proven_while_its_person_is_deactivated_with_a_member_of_where_they_go() -> None:
    """One wants the inviting organization for the person, the other the person for that organization."""
    for _ in range(ROUNDS):
        owner = make_member()
        colleague = make_member(owner.organization, Role.MEMBER).user
        person = make_proven(f"{owner.pk.hex}@example.com")
        secret = make_invited(owner, person.email).secret
        run(
            partial(invitations.accept, secret=secret, user=person),
            deactivate(person, colleague),
        )
        assert not User.objects.filter(pk__in=[person.pk, colleague.pk], is_active=True).exists()
        assert Membership.objects.filter(user=person).count() == 1
        assert first_broken(owner.organization_id) is None


def test_a_sign_up_by_invitation_against_a_deactivation() -> None:
    """The account was created earlier, and its address was never confirmed."""
    for number in range(max(1, ROUNDS // 4)):
        owner = make_member()
        colleague = make_member(owner.organization, Role.MEMBER).user
        claimed = make_user(f"claimed{number}-{owner.pk.hex}@example.com")
        secret = make_invited(owner, claimed.email).secret
        enter = partial(
            sign_up.sign_up, email=claimed.email, password=NEW, name="Nora", invitation_token=secret
        )
        run(enter, deactivate(claimed, colleague))
        assert first_broken(owner.organization_id) is None


def test_a_reset_against_a_change_of_the_password() -> None:
    """Both want the organization's lock and the mailed link."""
    for _ in range(max(1, ROUNDS // 4)):
        person = make_proven(f"{make_user().pk.hex}@example.com")
        owner = make_member(user=person)
        secret = issue(Claim(LinkKind.RESET, person.email, person)).rsplit("/", 1)[1]
        run(
            partial(password_reset.confirm, secret, NEW),
            partial(password_reset.set_password, User.objects.get(pk=person.pk), NEW + NEW),
        )
        assert first_broken(owner.organization_id) is None


def test_a_move_to_another_address_against_a_deactivation() -> None:
    for _ in range(max(1, ROUNDS // 4)):
        owner = make_member()
        person = make_proven(f"{owner.pk.hex}@example.com")
        make_member(owner.organization, Role.MEMBER, person)
        squatter = make_user(f"new-{owner.pk.hex}@example.com")
        secret = issue(Claim(LinkKind.MOVE, squatter.email, person)).rsplit("/", 1)[1]
        link = find(secret, LinkKind.MOVE)
        run(partial(email_change.confirm, link, person), deactivate(person, squatter))
        assert not User.objects.get(pk=person.pk).is_active
        assert first_broken(owner.organization_id) is None
