"""A refresh against everything that ends it, started at the same instant: nothing survives, in any order."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from accounts.models import Membership, User
from accounts.permissions.actor import Actor
from accounts.proof import Factor, proven
from tests.support.people import actor, make_member
from tests.support.sessions import opened
from tests.support.threads import at_once
from tests.tokens.oauth.calls import Program, make_program
from tokens.credentials.access_tokens import authenticate_jwt
from tokens.credentials.credential import Credential
from tokens.grants import opening, revocation, rotation
from tokens.grants.errors import InvalidGrant, InvalidScope
from tokens.grants.token_pair import TokenPair
from tokens.lifecycle.revoke_all import revoke_all
from tokens.models import Grant, GrantKind, OAuthClient
from tokens.oauth import clients
from tokens.oauth.revocation import revoke

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
SESSION, CLIENT = (GrantKind.SESSION,), (GrantKind.CLIENT,)

Task = Callable[[], object]


def race(refresh: Task, ending: Task) -> list[TokenPair]:
    """Who was handed tokens; whatever else went wrong is an error of the test."""
    results = at_once([refresh, ending])
    for one in results:
        if isinstance(one, Exception) and not isinstance(one, InvalidGrant | InvalidScope):
            raise one
    return [one for one in results if isinstance(one, TokenPair)]


def nothing_works(tokens: list[TokenPair], kinds: tuple[GrantKind, ...], client: OAuthClient | None) -> None:
    for one in tokens:
        assert not isinstance(authenticate_jwt(one.access_token), Credential)
        with pytest.raises(InvalidGrant):
            rotation.rotate(one.refresh_token, kinds=kinds, client=client)


def end_grant(grant: Grant) -> None:
    revocation.revoke(Grant.objects.filter(pk=grant.pk), reason="test")


def change_password(user: User) -> None:
    user = User.objects.get(pk=user.pk)
    user.set_password("another-long-passphrase")
    user.save()


def remove(member: Membership) -> None:
    Membership.objects.get(pk=member.pk).delete()


def deactivate(user: User) -> None:
    user = User.objects.get(pk=user.pk)
    user.is_active = False
    user.save()


ENDINGS: dict[str, Callable[[Membership, TokenPair, Actor], Task]] = {
    "revocation": lambda member, tokens, boss: partial(end_grant, tokens.grant),
    "password change": lambda member, tokens, boss: partial(change_password, member.user),
    "removal": lambda member, tokens, boss: partial(remove, member),
    "deactivation": lambda member, tokens, boss: partial(deactivate, member.user),
    "revoke-all": lambda member, tokens, boss: partial(revoke_all, actor=boss),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_session_survives_its_ending(ending: str) -> None:
    owner = make_member()
    for _ in range(ROUNDS):
        member = make_member(owner.organization)
        first = opened(member)
        refresh = partial(rotation.rotate, first.refresh_token, kinds=SESSION)
        made = race(refresh, ENDINGS[ending](member, first, actor(owner)))
        nothing_works([first, *made], SESSION, None)


def revocation_by_itself(program: Program, tokens: TokenPair) -> None:
    revoke({**program.body, "token": tokens.refresh_token})


CLIENT_ENDINGS: dict[str, Callable[[Program, TokenPair, Actor], Task]] = {
    "RFC 7009": lambda program, tokens, boss: partial(revocation_by_itself, program, tokens),
    "bulk": lambda program, tokens, boss: partial(clients.revoke_tokens, client=program.row, actor=boss),
    "deletion": lambda program, tokens, boss: partial(clients.delete, client=program.row, actor=boss),
    "revoke-all": lambda program, tokens, boss: partial(revoke_all, actor=boss),
}


@pytest.mark.parametrize("ending", CLIENT_ENDINGS)
def test_no_grant_of_a_client_survives_its_ending(ending: str) -> None:
    owner = make_member()
    for _ in range(ROUNDS):
        program = make_program(owner)
        first = opening.open_for_client(client=program.row, scope=None)
        refresh = partial(rotation.rotate, first.refresh_token, kinds=CLIENT, client=program.row)
        made = race(refresh, CLIENT_ENDINGS[ending](program, first, actor(owner)))
        nothing_works([first, *made], CLIENT, program.row)


def test_no_grant_is_opened_past_the_clients_deletion() -> None:
    owner = make_member()
    for _ in range(ROUNDS):
        program = make_program(owner)
        open_grant = partial(opening.open_for_client, client=program.row, scope=None)
        made = race(open_grant, partial(clients.delete, client=program.row, actor=actor(owner)))
        nothing_works(made, CLIENT, program.row)


def test_no_session_is_opened_by_a_password_that_was_changed() -> None:
    for _ in range(ROUNDS):
        member = make_member()
        open_grant = partial(
            opening.open_for_member,
            membership=member,
            kind=GrantKind.SESSION,
            proof=proven(Factor.PASSWORD),
            verified_password=member.user.password,
        )
        made = race(open_grant, partial(change_password, member.user))
        nothing_works(made, SESSION, None)


def test_reuse_and_honest_refresh_at_once_leave_nothing() -> None:
    for _ in range(ROUNDS):
        program = make_program()
        rotate = partial(rotation.rotate, kinds=CLIENT, client=program.row)
        first = opening.open_for_client(client=program.row, scope=None)
        second = rotate(first.refresh_token)
        third = rotate(second.refresh_token)
        made = race(partial(rotate, third.refresh_token), partial(rotate, first.refresh_token))
        nothing_works([second, third, *made], CLIENT, program.row)


def test_bulk_revocations_at_once_wait_for_each_other_and_not_for_ever() -> None:
    owner = make_member()
    program = make_program(owner)
    for _ in range(ROUNDS):
        for _ in range(20):
            opening.open_for_client(client=program.row, scope=None)
        newest_first = Grant.objects.filter(client=program.row).order_by("-pk")
        results = at_once(
            [
                partial(revocation.revoke, Grant.objects.filter(client=program.row), reason="one"),
                partial(revocation.revoke, newest_first, reason="other"),
                partial(clients.revoke_tokens, client=program.row, actor=actor(owner)),
            ]
        )
        assert sum(one for one in results if isinstance(one, int)) == 20, results
