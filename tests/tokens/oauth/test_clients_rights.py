"""What an OAuth client may do with its rights: never more than it was given, no matter who is responsible."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, make_member
from tests.tokens.oauth.calls import Program, make_program
from tokens.credentials.access_tokens import authenticate_jwt
from tokens.credentials.credential import Credential
from tokens.models import ServiceAccountToken
from tokens.oauth import clients
from tokens.service_accounts.issue import issue

pytestmark = pytest.mark.django_db
TOKENS, CLIENTS = "/api/v1/tokens", "/api/v1/clients"


@pytest.fixture
def maker(owner: Membership) -> Program:
    """An owner's client: they may do everything, it may not."""
    return make_program(owner, scopes=["tokens.manage", "clients.manage", "index:read:*"])


@pytest.fixture
def caller(maker: Program) -> APIClient:
    return program(maker.grant()["access_token"])


def wish(*permissions: str, name: str = "made") -> dict[str, object]:
    return {"name": name, "permissions": list(permissions), "expiresInDays": 1}


def test_it_makes_tokens_within_its_own_rights(caller: APIClient, owner: Membership) -> None:
    body = caller.post(TOKENS, wish("index:read:*")).json()
    assert body["responsible"]["memberId"] == owner.public_id
    for beyond in ("index:write:*", "*:*:*", "members.manage"):
        response = caller.post(TOKENS, wish(beyond, name=beyond))
        assert (response.status_code, response.json()["required"]) == (403, [beyond])
    assert ServiceAccountToken.objects.count() == 1


def test_it_makes_and_changes_clients_within_its_own_rights(caller: APIClient, maker: Program) -> None:
    made = caller.post(CLIENTS, {"name": "Child", "scopes": ["index:read:shop"]})
    assert made.status_code == 201
    child = f"{CLIENTS}/{made.json()['id']}"
    for response in (
        caller.post(CLIENTS, {"name": "Child", "scopes": ["*:*:*"]}),
        caller.patch(child, {"scopes": ["account:admin:*"]}),
        caller.patch(f"{CLIENTS}/{maker.id}", {"scopes": ["*:*:*"]}),
    ):
        assert response.status_code == 403


def test_a_narrowed_token_makes_no_more_than_it_holds(maker: Program) -> None:
    caller = program(maker.grant(scope="tokens.manage")["access_token"])
    response = caller.post(TOKENS, wish("index:read:*"))
    assert (response.status_code, response.json()["required"]) == (403, ["index:read:*"])


def test_nobody_answers_for_what_it_would_make_once_its_maker_left(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    caller = program(make_program(admin, scopes=["tokens.manage", "index:read:*"]).grant()["access_token"])
    admin.delete()
    assert caller.get(TOKENS).status_code == 200
    response = caller.post(TOKENS, wish("index:read:*"))
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_rights_are_read_again_under_the_lock(maker: Program, owner: Membership) -> None:
    credential = authenticate_jwt(maker.grant()["access_token"])
    assert isinstance(credential, Credential)
    clients.update(client=maker.row, actor=actor(owner), scopes=["tokens.manage"])
    with pytest.raises(APIError) as caught:
        issue(actor=credential, name="late", permissions=["index:read:*"], expires_in_days=1)
    assert caught.value.error is errors.INSUFFICIENT_SCOPE
    clients.revoke_tokens(client=maker.row, actor=actor(owner))
    with pytest.raises(APIError) as caught:
        issue(actor=credential, name="later", permissions=["tokens.manage"], expires_in_days=1)
    assert caught.value.error is errors.TOKEN_REVOKED


def test_a_member_who_was_removed_changes_no_client(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    made, before = make_program(owner), actor(admin)
    admin.delete()
    for change in (
        lambda: clients.create(actor=before, name="x", scopes=["index:read:*"]),
        lambda: clients.update(client=made.row, actor=before, name="x"),
        lambda: clients.rotate_secret(client=made.row, actor=before),
        lambda: clients.revoke_tokens(client=made.row, actor=before),
        lambda: clients.delete(client=made.row, actor=before),
    ):
        with pytest.raises(APIError) as caught:
            change()
        assert caught.value.error is errors.TOKEN_REVOKED
    made.grant()
