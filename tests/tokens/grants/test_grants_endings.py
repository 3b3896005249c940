"""What ends a family, and what of it may be read where it is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.models import Membership, Organization, User
from tests.support.people import actor, make_member, make_organization, make_user
from tests.support.sessions import opened
from tests.tokens.oauth.calls import Program, make_program, whoami
from tokens.crypto import opaque
from tokens.crypto.sealing import seal, unseal
from tokens.grants import refresh_tokens, rotation
from tokens.grants.errors import InvalidGrant
from tokens.models import ClientSecret, Grant, GrantKind, OAuthClient
from tokens.oauth import clients

pytestmark = pytest.mark.django_db
SESSION = (GrantKind.SESSION,)


def set_password(member: Membership) -> None:
    member.user.set_password("another-long-passphrase")
    member.user.save()


def delete_by_sql(member: Membership) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_membership WHERE id = %s", [member.pk])


def move(member: Membership, **fields: object) -> None:
    """Past the product, as a mistaken script would."""
    Membership.objects.filter(pk=member.pk).update(**fields)


ENDINGS: dict[str, Callable[[Membership], object]] = {
    "password": set_password,
    "deactivation": lambda member: User.objects.filter(pk=member.user_id).update(is_active=False),
    "removal": lambda member: member.delete(),
    "removal by SQL": delete_by_sql,
    "membership given to another person": lambda member: move(member, user=make_user()),
    "membership moved to another organization": lambda member: move(member, organization=make_organization()),
    "deletion of the person": lambda member: member.user.delete(),
    "suspension": lambda member: Organization.objects.update(suspended_at=timezone.now()),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_session_ends_with_its_person(ending: str) -> None:
    member = make_member()
    make_member(member.organization)
    tokens = opened(member)
    assert whoami(tokens.access_token).status_code == 200
    ENDINGS[ending](member)
    assert whoami(tokens.access_token).status_code == 401
    with pytest.raises(InvalidGrant):
        rotation.rotate(tokens.refresh_token, kinds=SESSION)


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "password"])
def test_nobody_signs_in_whose_place_has_just_ended(ending: str) -> None:
    member = make_member()
    make_member(member.organization)
    before = Membership.objects.select_related("user").get(pk=member.pk)
    ENDINGS[ending](member)
    with pytest.raises(InvalidGrant):
        opened(before)
    assert not Grant.objects.exists()


def test_nobody_signs_in_by_a_password_that_has_just_been_replaced() -> None:
    member = make_member()
    checked = member.user.password
    set_password(Membership.objects.get(pk=member.pk))
    with pytest.raises(InvalidGrant):
        opened(member, verified_password=checked)


def test_somebody_who_comes_back_revives_nothing() -> None:
    member = make_member()
    tokens = opened(member)
    delete_by_sql(member)
    make_member(member.organization, user=member.user)
    assert whoami(tokens.access_token).status_code == 401


def test_two_password_changes_at_once_arrive_at_different_versions() -> None:
    one = make_member().user
    other = User.objects.get(pk=one.pk)
    for user in (one, other):
        user.set_password("another-long-passphrase")
    assert one.password_version != other.password_version


def test_a_clients_grants_outlive_the_member_who_made_it() -> None:
    maker = make_member()
    make_member(maker.organization)
    program = make_program(maker)
    granted = program.grant()
    maker.user.delete()
    assert whoami(granted["access_token"]).status_code == 200
    assert program.refresh(granted["refresh_token"]).status_code == 200


def test_a_client_deleted_by_sql_alone_takes_its_tokens_along() -> None:
    program = make_program()
    token = program.grant()["access_token"]
    OAuthClient.objects.update(deleted_at=timezone.now())
    assert whoami(token).status_code == 401


def test_a_deleted_client_keeps_no_secret(owner: Membership) -> None:
    program = make_program(owner)
    clients.delete(client=program.row, actor=actor(owner))
    assert not ClientSecret.objects.exists()


def everything_at_rest() -> str:
    """Every row of every table, bytes as they are."""
    rows = [
        repr([bytes(value) if isinstance(value, memoryview) else value for value in row])
        for model in apps.get_models()
        for row in model._default_manager.values_list()
    ]
    return "\n".join(rows)


def test_secrets_and_refresh_tokens_are_nowhere_at_rest() -> None:
    program: Program = make_program()
    first = program.grant()
    second = program.refresh(first["refresh_token"]).json()
    found = everything_at_rest()
    assert repr(opaque.digest(program.secret)) in found
    assert repr(opaque.digest(second["refresh_token"])) in found
    for secret in (program.secret, first["refresh_token"], second["refresh_token"]):
        assert secret[-20:] not in found
    for token in (first["access_token"], second["access_token"]):
        assert token.rpartition(".")[2] not in found


def test_only_the_presented_token_reads_its_successor() -> None:
    presented, successor, other = (refresh_tokens.PREFIX + c * 43 for c in "abc")
    sealed = seal(presented, successor)
    assert unseal(presented, sealed) == successor
    assert unseal(other, sealed) is None
    assert successor.encode() not in sealed
    assert seal(presented, successor) != sealed
