"""A narrowed token takes along what it created: no child holds a permission it lost, or ends later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts import errors
from accounts.errors import APIError
from accounts.models import Invitation, Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, make_token
from tests.support.team import changes
from tests.tokens.oauth.calls import Program, make_program
from tests.tokens.service_accounts.test_children import is_active
from tests.tokens.service_accounts.test_children_clients import exchange, rotated_by, status_of
from tokens.credentials import access_tokens, token_lookup
from tokens.credentials.credential import Credential
from tokens.models import Grant, OAuthClient, ServiceAccountToken
from tokens.oauth import clients
from tokens.service_accounts.bounds import PARENT_NARROWED
from tokens.service_accounts.issue import Issued, issue
from tokens.service_accounts.update import update

pytestmark = pytest.mark.django_db
MANAGES = ["tokens.manage", "clients.manage", "members.manage"]
READS = ["index:read:*", "events:read:*"]
TOKENS, CLIENTS, INVITATIONS = "/api/v1/tokens", "/api/v1/clients", "/api/v1/invitations"


@pytest.fixture
def parent(owner: Membership) -> Issued:
    return make_token(owner, "parent", [*MANAGES, *READS])


def token_of(bearer: str | Issued, permissions: list[str], name: str = "child") -> Issued:
    body = {"name": name, "permissions": permissions, "expiresInDays": None}
    response = program(bearer).post(TOKENS, body)
    assert response.status_code == 201, response.content
    return Issued(ServiceAccountToken.objects.get(name=name), response.json()["token"])


def client_of(bearer: str | Issued, scopes: list[str], name: str = "child") -> Program:
    response = program(bearer).post(CLIENTS, {"name": name, "scopes": scopes})
    assert response.status_code == 201, response.content
    return Program(OAuthClient.objects.get(name=name), response.json()["clientSecret"])


def narrow(owner: Membership, token: Issued, permissions: list[str]) -> None:
    update(token=token.token, actor=actor(owner), permissions=permissions)


def held(issued: Issued) -> list[str]:
    return ServiceAccountToken.objects.get(pk=issued.token.pk).permissions


def scopes(client: Program) -> list[str]:
    return OAuthClient.objects.get(pk=client.row.pk).scopes


def test_children_lose_what_their_parent_lost(owner: Membership, parent: Issued) -> None:
    child = token_of(parent, ["tokens.manage", *READS])
    grandchild = token_of(child, READS, "grandchild")
    apart = make_token(owner, permissions=READS)
    narrow(owner, parent, ["tokens.manage", "index:read:*"])
    assert held(child) == ["tokens.manage", "index:read:*"]
    assert held(grandchild) == ["index:read:*"]
    assert held(apart) == READS
    events = changes(owner.organization, "token.updated")
    assert [one["permissions"][1] for one in events] == [held(parent), held(child), held(grandchild)]


def test_a_child_that_keeps_nothing_is_revoked(owner: Membership, parent: Issued) -> None:
    child = token_of(parent, ["events:read:*"])
    client = client_of(parent, ["events:read:7"])
    narrow(owner, parent, ["index:read:*"])
    child.token.refresh_from_db()
    assert child.token.revoked_reason == PARENT_NARROWED
    assert exchange(client).status_code == 401
    assert [one["reason"] for one in changes(owner.organization, "client.deleted")] == [PARENT_NARROWED]


def test_clients_lose_what_their_parent_lost_and_so_do_their_access_tokens(
    owner: Membership, parent: Issued
) -> None:
    client = client_of(parent, ["tokens.view", *READS])
    access = client.grant()["access_token"]
    assert program(access).get(TOKENS).status_code == 200
    narrow(owner, parent, ["tokens.manage", "index:read:*"])
    assert scopes(client) == ["tokens.view", "index:read:*"]
    narrow(owner, parent, ["index:read:*"])
    assert program(access).get(TOKENS).status_code == 403
    assert client.grant()["scope"] == "index:read:*"


def test_what_a_client_of_the_token_created_is_narrowed_as_well(owner: Membership, parent: Issued) -> None:
    client = client_of(parent, ["tokens.manage", *READS])
    grandchild = token_of(client.grant()["access_token"], READS)
    narrow(owner, parent, ["tokens.manage", "index:read:*"])
    assert held(grandchild) == ["index:read:*"]


def test_a_secret_of_a_client_that_may_do_more_ends(owner: Membership, parent: Issued) -> None:
    wide, fitting = make_program(owner, name="wide", scopes=READS), make_program(owner, scopes=READS[:1])
    known, kept = rotated_by(parent, wide), rotated_by(parent, fitting)
    access = known.grant()["access_token"]
    stolen = token_of(make_token(owner, permissions=["tokens.manage", *READS]), READS, "unrelated")
    narrow(owner, parent, ["index:read:*"])
    assert (exchange(known).status_code, status_of(access)) == (401, 401)
    assert (exchange(wide).status_code, exchange(kept).status_code) == (200, 200)
    assert scopes(wide) == READS
    assert is_active(stolen.token)


def test_invitations_that_the_token_could_not_send_any_more_are_revoked(
    owner: Membership, issued: Issued
) -> None:
    for number, role in enumerate((Role.ADMIN, Role.VIEWER)):
        body = {"email": f"person{number}@example.org", "role": role}
        assert program(issued).post(INVITATIONS, body).status_code == 201
    narrow(owner, issued, ["members.manage", "*:view:*", "*:read:*"])
    assert list(Invitation.objects.open().values_list("role", flat=True)) == [Role.VIEWER]
    narrow(owner, issued, ["*:view:*", "*:read:*"])
    assert not Invitation.objects.open().exists()


def test_what_a_token_created_ends_no_later_than_it(owner: Membership, parent: Issued) -> None:
    child, client = token_of(parent, READS), client_of(parent, ["tokens.manage", *READS])
    access = client.grant()["access_token"]
    grandchild = token_of(access, READS, "grandchild")
    other = make_program(owner, scopes=READS)
    known = rotated_by(parent, other)
    known_access = known.grant()["access_token"]
    sooner = timezone.now() + timedelta(hours=1)
    update(token=parent.token, actor=actor(owner), expires_at=sooner)
    for token in (child, grandchild):
        token.token.refresh_from_db()
        assert token.token.expires_at == sooner
    assert set(Grant.objects.values_list("expires_at", flat=True)) == {sooner}
    cached = access_tokens.authenticate_jwt(access)
    assert isinstance(cached, Credential)
    assert cached.ends_at == sooner
    with time_machine.travel(sooner + timedelta(seconds=1)):
        assert {status_of(one) for one in (child.plaintext, grandchild.plaintext)} == {401}
        assert {status_of(access), status_of(known_access)} == {401}
        assert {exchange(client).status_code, exchange(known).status_code} == {401}
        assert exchange(other).status_code == 200


def test_children_of_an_endless_token_get_its_first_expiry(owner: Membership) -> None:
    parent = make_token(owner, permissions=["tokens.manage", *READS], expires_in_days=None)
    child = token_of(parent, READS)
    years_ago = timezone.now() - timedelta(days=800)
    ServiceAccountToken.objects.update(created_at=years_ago)
    sooner = timezone.now() + timedelta(days=364)
    update(token=parent.token, actor=actor(owner), expires_at=sooner)
    child.token.refresh_from_db()
    assert child.token.expires_at == sooner


def test_children_with_less_stay_as_they_are(owner: Membership, parent: Issued) -> None:
    child = token_of(parent, ["index:read:*"])
    update(token=child.token, actor=actor(owner), expires_at=timezone.now() + timedelta(hours=1))
    before = ServiceAccountToken.objects.filter(pk=child.token.pk).values().get()
    update(
        token=parent.token,
        actor=actor(owner),
        permissions=["index:read:*"],
        expires_at=timezone.now() + timedelta(hours=2),
    )
    assert ServiceAccountToken.objects.filter(pk=child.token.pk).values().get() == before


def test_own_limits_of_a_parent_leave_its_children(owner: Membership, parent: Issued) -> None:
    child = token_of(parent, READS)
    limits: Any = {"allowed_addresses": ["192.0.2.1"], "requests_per_day": 1, "metadata": {"a": "1"}}
    update(token=parent.token, actor=actor(owner), **limits)
    child.token.refresh_from_db()
    assert (child.token.allowed_addresses, child.token.requests_per_day) == ([], None)


STALE_ACTS: dict[str, Callable[[Credential], Any]] = {
    "create a token": lambda who: issue(actor=who, name="x", permissions=READS, expires_in_days=1),
    "create a client": lambda who: clients.create(actor=who, name="x", scopes=READS),
}


@pytest.mark.parametrize("act", STALE_ACTS)
def test_a_request_that_began_before_gets_no_removed_permission(
    owner: Membership, parent: Issued, act: str
) -> None:
    credential = token_lookup.authenticate_token(parent.plaintext)
    assert isinstance(credential, Credential)
    narrow(owner, parent, [*MANAGES, "index:read:*"])
    with pytest.raises(APIError) as refusal:
        STALE_ACTS[act](credential)
    assert refusal.value.error is errors.INSUFFICIENT_SCOPE
    assert refusal.value.extra["required"] == ["events:read:*"]


def test_a_deleted_token_is_not_found(owner: Membership, parent: Issued) -> None:
    who = actor(owner)
    ServiceAccountToken.objects.filter(pk=parent.token.pk).delete()
    with pytest.raises(APIError) as refusal:
        update(token=parent.token, actor=who, description="x")
    assert refusal.value.error is errors.NOT_FOUND
