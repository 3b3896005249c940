"""A family's rotation: one successor, a lost response repeated, and a reuse that ends everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.people import actor, make_member
from tests.support.sessions import opened
from tests.tokens.oauth.calls import Program, make_program
from tokens.credentials.access_tokens import authenticate_jwt
from tokens.credentials.credential import Credential
from tokens.crypto import access_jwt
from tokens.grants import opening, rotation
from tokens.grants.errors import InvalidGrant, InvalidScope, ReuseDetected
from tokens.grants.token_pair import TokenPair
from tokens.models import Grant, GrantKind, RefreshToken
from tokens.oauth import clients

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 16, 12, tzinfo=UTC)
KINDS = (GrantKind.CLIENT,)


@pytest.fixture
def importer(db: None) -> Program:
    return make_program()


def after(seconds: float = 0, **more: float) -> datetime:
    return START + timedelta(seconds=seconds, **more)


def first_of(importer: Program, **how: Any) -> TokenPair:
    return opening.open_for_client(client=importer.row, scope=None, now=START, **how)


def rotate(importer: Program, raw: str, now: datetime, **how: Any) -> TokenPair:
    return rotation.rotate(raw, kinds=KINDS, client=importer.row, now=now, **how)


def family_is_over(tokens: TokenPair, now: datetime) -> bool:
    return not isinstance(authenticate_jwt(tokens.access_token, now), Credential)


def test_each_rotation_is_one_generation_more(importer: Program) -> None:
    tokens = first_of(importer)
    for n in range(1, 4):
        tokens = rotate(importer, tokens.refresh_token, after(n))
    family = RefreshToken.objects.filter(grant=tokens.grant).order_by("generation")
    assert list(family.values_list("generation", flat=True)) == [1, 2, 3, 4]
    assert [row.used_at is None for row in family] == [False, False, False, True]


@pytest.mark.parametrize("seconds", [0, 1, 9.999])
def test_a_retry_within_the_grace_gets_the_same_successor(importer: Program, seconds: float) -> None:
    first = first_of(importer)
    second = rotate(importer, first.refresh_token, after(100))
    again = rotate(importer, first.refresh_token, after(100 + seconds))
    assert again.refresh_token == second.refresh_token
    assert again.access_token != second.access_token
    assert RefreshToken.objects.filter(grant=first.grant).count() == 2
    rotate(importer, again.refresh_token, after(200))


@pytest.mark.parametrize("seconds", [10, 11, 86_400])
def test_after_the_grace_a_second_use_ends_the_family(importer: Program, seconds: float) -> None:
    first = first_of(importer)
    second = rotate(importer, first.refresh_token, after(100))
    with pytest.raises(ReuseDetected):
        rotate(importer, first.refresh_token, after(100 + seconds))
    grant = Grant.objects.get(pk=first.grant.pk)
    assert grant.revoked_reason == "A refresh token was used twice"
    with pytest.raises(InvalidGrant):
        rotate(importer, second.refresh_token, after(101 + seconds))
    assert family_is_over(first, after(101))
    assert family_is_over(second, after(101))


def test_within_the_grace_too_once_the_successor_was_used(importer: Program) -> None:
    first = first_of(importer)
    second = rotate(importer, first.refresh_token, after(1))
    third = rotate(importer, second.refresh_token, after(2))
    with pytest.raises(ReuseDetected):
        rotate(importer, first.refresh_token, after(3))
    assert family_is_over(third, after(3))


def test_an_older_ancestor_ends_the_family(importer: Program) -> None:
    first = tokens = first_of(importer)
    for n in range(5):
        tokens = rotate(importer, tokens.refresh_token, after(n))
    with pytest.raises(ReuseDetected):
        rotate(importer, first.refresh_token, after(6))
    assert family_is_over(tokens, after(6))


def test_generations_are_ordered_within_one_moment(importer: Program) -> None:
    tokens = first_of(importer)
    spent = []
    for _ in range(20):
        spent.append(tokens.refresh_token)
        tokens = rotate(importer, tokens.refresh_token, START)
    for raw in spent[:-1]:
        with pytest.raises(InvalidGrant):
            rotate(importer, raw, START)
    assert family_is_over(tokens, START)


def test_a_reuse_cannot_hide_behind_a_wider_scope(importer: Program) -> None:
    first = first_of(importer)
    second = rotate(importer, first.refresh_token, after(1))
    with pytest.raises(ReuseDetected):
        rotate(importer, first.refresh_token, after(60), scope=["*:*:*"])
    assert family_is_over(second, after(60))


def test_a_retry_with_a_wider_scope_is_refused_and_ends_nothing(importer: Program) -> None:
    first = first_of(importer)
    second = rotate(importer, first.refresh_token, after(1))
    with pytest.raises(InvalidScope):
        rotate(importer, first.refresh_token, after(2), scope=["*:*:*"])
    assert rotate(importer, first.refresh_token, after(3)).refresh_token == second.refresh_token


def test_another_clients_replay_is_refused_and_ends_nothing(importer: Program) -> None:
    other = make_program(importer.row.responsible)
    first = first_of(importer)
    second = rotate(importer, first.refresh_token, after(1))
    for raw in (first.refresh_token, second.refresh_token):
        for now in (after(2), after(60)):
            with pytest.raises(InvalidGrant):
                rotate(other, raw, now)
            with pytest.raises(InvalidGrant):
                rotation.rotate(raw, kinds=KINDS, now=now)
            with pytest.raises(InvalidGrant):
                rotation.rotate(raw, kinds=(GrantKind.SESSION,), client=importer.row, now=now)
    rotate(importer, second.refresh_token, after(61))


def test_each_refresh_token_lives_ninety_days(importer: Program) -> None:
    first = first_of(importer)
    with pytest.raises(InvalidGrant):
        rotate(importer, first.refresh_token, after(days=90))
    assert Grant.objects.get().revoked_at is None
    second = rotate(importer, first.refresh_token, after(days=89))
    rotate(importer, second.refresh_token, after(days=89 + 89))


def test_rotation_does_not_extend_a_family_past_its_end(importer: Program) -> None:
    tokens = first_of(importer)
    for days in range(60, 365, 60):
        tokens = rotate(importer, tokens.refresh_token, after(days=days))
    last = rotate(importer, tokens.refresh_token, after(days=365) - timedelta(hours=1))
    assert last.expires_in == 3600
    assert (
        access_jwt.decode(last.access_token, after(days=365).timestamp() - 60).exp
        == after(days=365).timestamp()
    )
    with pytest.raises(InvalidGrant):
        rotate(importer, last.refresh_token, after(days=365))
    assert family_is_over(last, after(days=365))


def test_a_refresh_gives_no_more_than_the_client_still_may(importer: Program) -> None:
    maker = importer.row.responsible
    assert maker is not None
    first = first_of(importer)
    clients.update(client=importer.row, actor=actor(maker), scopes=["index:read:*"])
    second = rotate(importer, first.refresh_token, after(1))
    assert second.scope == ("index:read:*",)
    with pytest.raises(InvalidScope):
        rotate(importer, second.refresh_token, after(2), scope=["events:write:*"])
    clients.update(client=importer.row, actor=actor(maker), scopes=["analytics.view"])
    with pytest.raises(InvalidScope):
        rotate(importer, second.refresh_token, after(3))


def test_a_persons_refresh_reads_the_role_anew() -> None:
    member = make_member(role="admin")
    first = opened(member, now=START)
    assert "tokens.manage" in first.scope
    member.role = "viewer"
    member.save()
    second = rotation.rotate(first.refresh_token, kinds=(GrantKind.SESSION,), now=after(1))
    assert "tokens.manage" not in second.scope
    assert access_jwt.decode(second.access_token, after(1).timestamp()).scope.split() == list(second.scope)
