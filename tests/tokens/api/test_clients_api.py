"""OAuth clients as JSON: the record, the secret that is shown once, and what may change."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.drf.fields import instant
from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.tokens.oauth.calls import Program, make_program, whoami
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db
CLIENTS = "/api/v1/clients"
WISH = {"name": "Importer", "scopes": ["index:read:*"]}


@pytest.fixture
def manager(owner: Membership) -> APIClient:
    return program(make_token(owner, permissions=["clients.manage", "index:read:*", "events:write:*"]))


@pytest.fixture
def client_row(owner: Membership) -> Program:
    return make_program(owner)


def test_a_new_client_is_told_with_its_secret_once(manager: APIClient, owner: Membership) -> None:
    response = manager.post(CLIENTS, WISH)
    assert response.status_code == 201
    body = response.json()
    maker = ServiceAccountToken.objects.get()
    assert response["Location"] == f"{CLIENTS}/{body['id']}"
    secret = body.pop("clientSecret")
    assert re.fullmatch(r"tsr_cs_[A-Za-z0-9]{43}", secret)
    assert re.fullmatch(r"cli_[0-9a-hjkmnp-tv-z]{26}", body["id"])
    assert body == {
        "id": body["id"],
        "clientId": body["id"],
        "name": "Importer",
        "scopes": ["index:read:*"],
        "refreshAuth": "required",
        "createdAt": body["createdAt"],
        "createdBy": {
            "id": owner.user.public_id,
            "name": owner.user.display_name,
            "email": owner.user.email,
        },
        "secrets": [
            {"lastFour": secret[-4:], "createdAt": body["createdAt"], "validUntil": body["expiresAt"]}
        ],
        "expiresAt": instant(maker.expires_at),
        "parent": {"type": "token", "id": maker.public_id, "name": maker.name},
        "knownToFormerMember": None,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["createdAt"])
    again = manager.get(response["Location"])
    assert again.json() == body
    assert manager.get(CLIENTS).json() == {"results": [body], "next": None, "previous": None}
    assert secret not in again.content.decode()


def test_lists_go_page_by_page(manager: APIClient, owner: Membership) -> None:
    made = [make_program(owner).id for _ in range(3)]
    first = manager.get(CLIENTS, {"limit": 2}).json()
    second = manager.get(first["next"]).json()
    assert [one["id"] for one in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 5}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["index"]}, "scopes.0"),
        ({"scopes": ["nothing.view"]}, "scopes"),
        ({"scopes": "index:read:*"}, "scopes"),
        ({"scopes": [f"index:read:{n:0100d}" for n in range(60)]}, "scopes"),
        ({"refreshAuth": "never"}, "refreshAuth"),
        ({"clientSecret": "my-own"}, "clientSecret"),
        ({"id": "cli_01k9zq8c4se1ktw5n9y2a6p0mh"}, "id"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_field(
    manager: APIClient, wish: dict[str, Any], field: str
) -> None:
    response = manager.post(CLIENTS, WISH | wish)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == [field]
    assert manager.get(CLIENTS).json()["results"] == []


@pytest.mark.parametrize("asked", ["account:admin:*", "*:*:*", "index:write:*", "tokens.manage"])
def test_nobody_makes_a_client_that_may_more_than_they(manager: APIClient, asked: str) -> None:
    response = manager.post(CLIENTS, WISH | {"scopes": ["index:read:*", asked]})
    assert (response.status_code, response.json()["required"]) == (403, [asked])
    assert manager.get(CLIENTS).json()["results"] == []


@pytest.mark.parametrize("permissions", [["tokens.manage"], ["clients.view"]])
def test_only_who_manages_clients_may_change_them(owner: Membership, permissions: list[str]) -> None:
    made, caller = make_program(owner), program(make_token(owner, permissions=permissions))
    one = f"{CLIENTS}/{made.id}"
    answers = [
        caller.post(CLIENTS, WISH),
        caller.patch(one, {"name": "x"}),
        caller.delete(one),
        caller.post(f"{one}/rotate-secret"),
        caller.delete(f"{one}/tokens"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert caller.get(one).status_code == (200 if "clients.view" in permissions else 403)
    assert whoami(made.grant()["access_token"]).status_code == 200


def test_a_name_that_would_be_a_link_in_emails_is_refused(api: APIClient) -> None:
    body = {"name": "http://evil.example", "scopes": ["index:read:*"]}
    response = api.post("/api/v1/clients", body)
    assert (response.status_code, list(response.json()["fields"])) == (400, ["name"])


def test_name_scopes_and_refresh_auth_change_and_nothing_else(
    manager: APIClient, client_row: Program
) -> None:
    one = f"{CLIENTS}/{client_row.id}"
    change = {"name": "Renamed", "scopes": ["events:write:*"], "refreshAuth": "rotation_only"}
    body = manager.patch(one, change).json()
    assert {name: body[name] for name in change} == change
    assert manager.patch(one, {"name": "Again"}).json() == body | {"name": "Again"}
    for field in ("id", "clientId", "secrets", "createdBy", "organization", "deletedAt"):
        assert manager.patch(one, {field: "x"}).status_code == 400
    assert manager.patch(one, {"scopes": ["account:admin:*"]}).status_code == 403
    assert manager.get(one).json() == body | {"name": "Again"}


def test_fewer_scopes_bind_tokens_that_are_out(manager: APIClient, client_row: Program) -> None:
    access_token = client_row.grant()["access_token"]
    manager.patch(f"{CLIENTS}/{client_row.id}", {"scopes": ["index:read:*"]})
    assert whoami(access_token).json()["effectivePermissions"] == ["index:read:*"]


def test_a_rotated_secret_is_told_once_and_the_old_one_has_an_end(
    manager: APIClient, client_row: Program
) -> None:
    body = manager.post(f"{CLIENTS}/{client_row.id}/rotate-secret", {"overlapSeconds": 60}).json()
    assert re.fullmatch(r"tsr_cs_[A-Za-z0-9]{43}", body["clientSecret"])
    new, old = body["secrets"]
    assert (new["lastFour"], new["validUntil"]) == (
        body["clientSecret"][-4:],
        instant(ServiceAccountToken.objects.get().expires_at),
    )
    assert old["lastFour"] == client_row.secret[-4:]
    assert old["validUntil"] > new["createdAt"]
    assert "clientSecret" not in manager.get(f"{CLIENTS}/{client_row.id}").json()


@pytest.mark.parametrize("seconds", [-1, 7 * 86_400 + 1, "60", 1.5, True, None])
def test_an_overlap_is_zero_to_seven_days(manager: APIClient, client_row: Program, seconds: Any) -> None:
    response = manager.post(f"{CLIENTS}/{client_row.id}/rotate-secret", {"overlapSeconds": seconds})
    assert (response.status_code, list(response.json()["fields"])) == (400, ["overlapSeconds"])


def test_nobody_comes_to_hold_a_client_that_may_more_than_they(owner: Membership, manager: APIClient) -> None:
    strong = make_program(owner, scopes=["*:*:*"])
    response = manager.post(f"{CLIENTS}/{strong.id}/rotate-secret")
    assert (response.status_code, response.json()["required"]) == (403, ["*:*:*"])
    strong.grant()


def test_a_deleted_client_is_gone_with_its_tokens(manager: APIClient, client_row: Program) -> None:
    access_token = client_row.grant()["access_token"]
    one = f"{CLIENTS}/{client_row.id}"
    assert [manager.delete(one).status_code for _ in range(2)] == [204, 204]
    assert manager.get(one).status_code == 404
    assert manager.patch(one, {"name": "x"}).status_code == 404
    assert manager.post(f"{one}/rotate-secret").status_code == 404
    assert manager.get(CLIENTS).json()["results"] == []
    assert whoami(access_token).json()["code"] == "token_revoked"


def test_revoking_a_clients_tokens_leaves_the_client(manager: APIClient, client_row: Program) -> None:
    granted = client_row.grant()
    assert manager.delete(f"{CLIENTS}/{client_row.id}/tokens").status_code == 204
    assert whoami(granted["access_token"]).status_code == 401
    assert client_row.refresh(granted["refresh_token"]).json()["error"] == "invalid_grant"
    client_row.grant()


def test_a_client_of_another_organization_is_not_found(client_row: Program) -> None:
    stranger = program(make_token(make_member(), permissions=["*:*:*"]))
    one = f"{CLIENTS}/{client_row.id}"
    for answer in (
        stranger.get(one),
        stranger.patch(one, {"name": "x"}),
        stranger.delete(one),
        stranger.post(f"{one}/rotate-secret"),
        stranger.delete(f"{one}/tokens"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found", "code": "not_found"})
    client_row.grant()
