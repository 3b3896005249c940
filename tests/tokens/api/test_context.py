"""GET /api/v1/context: who acts, and what the request's headers name. Who am I, for every kind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts import typeid
from accounts.models import EndUser, EndUserCount, Index, Membership
from accounts.permissions.roles import Role
from accounts.resources import indexes
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.support.sessions import make_person, opened, session_of
from tests.support.threads import at_once
from tokens.grants import opening
from tokens.models import OAuthClient

FOUR = "7d1f8f0e-3c52-4b1e-9d5c-0a1b2c3d4e5f"

pytestmark = pytest.mark.django_db
PATH = "/api/v1/context"


@pytest.fixture
def ada() -> Membership:
    return make_person(role=Role.MEMBER, email="ada@example.com", name="Ada")


def make_index(member: Membership, name: str = "Shop") -> Index:
    return indexes.create(organization_id=member.organization_id, name=name)


def ask(client: Any, **named: object) -> Any:
    headers = {f"Tessera-{kind}-UUID": str(value) for kind, value in named.items()}
    return client.get(PATH, headers=headers)


def test_a_person_is_told_apart_by_role_and_name(ada: Membership) -> None:
    tokens = opened(ada)
    assert ask(program(tokens.access_token)).json() == {
        "actorType": "user",
        "authKind": "session",
        "userId": ada.user.public_id,
        "userRole": "member",
        "userName": "Ada",
        "sessionId": tokens.grant.public_id,
        "tokenId": None,
        "tokenName": None,
        "clientId": None,
        "clientName": None,
        "organizationId": ada.organization.public_id,
        "organizationName": ada.organization.name,
        "index": None,
        "endUser": None,
    }


def test_a_token_stands_for_no_person(ada: Membership) -> None:
    issued = make_token(make_member(ada.organization), "Nightly")
    body = ask(program(issued)).json()
    assert (body["actorType"], body["authKind"]) == ("service_account", "api-token")
    assert (body["tokenId"], body["tokenName"]) == (issued.token.public_id, "Nightly")
    assert body["userId"] is body["userRole"] is body["userName"] is body["sessionId"] is None


def test_a_client_is_told_by_its_name(ada: Membership) -> None:
    client = OAuthClient.objects.create(
        organization=ada.organization, name="Billing", scopes=["index:read:*"], responsible=ada
    )
    bearer = program(opening.open_for_client(client=client, scope=None).access_token)
    body = ask(bearer).json()
    assert (body["actorType"], body["authKind"]) == ("client", "oauth-client")
    assert (body["clientId"], body["clientName"]) == (client.public_id, "Billing")
    assert bearer.get("/api/auth/whoami").json() == {
        "authKind": "oauth-client",
        "actorType": "client",
        "clientId": client.public_id,
        "clientName": "Billing",
        "organizationId": ada.organization.public_id,
        "organizationName": ada.organization.name,
        "effectivePermissions": ["index:read:*"],
        "scope": "index:read:*",
    }


def test_a_session_is_told_whose_it_is_and_what_it_may(ada: Membership) -> None:
    tokens = opened(ada)
    body = program(tokens.access_token).get("/api/auth/whoami").json()
    ends = body.pop("sessionExpiresAt")
    assert ends.endswith("Z")
    assert body == {
        "authKind": "session",
        "actorType": "user",
        "userId": ada.user.public_id,
        "userName": "Ada",
        "userEmail": "ada@example.com",
        "userRole": "member",
        "organizationId": ada.organization.public_id,
        "organizationName": ada.organization.name,
        "effectivePermissions": list(ada.scopes.texts),
        "sessionId": tokens.grant.public_id,
    }


def test_the_role_and_the_permissions_beyond_it_are_those_of_now(ada: Membership) -> None:
    Membership.objects.filter(pk=ada.pk).update(permissions=["account:read:*"])
    tokens = opened(ada)
    assert "account:read:*" in tokens.scope
    client = program(tokens.access_token)
    assert "account:read:*" in client.get("/api/auth/whoami").json()["effectivePermissions"]
    Membership.objects.filter(pk=ada.pk).update(permissions=[], role=Role.VIEWER)
    body = client.get("/api/auth/whoami").json()
    assert body["userRole"] == "viewer"
    assert "account:read:*" not in body["effectivePermissions"]
    assert client.post("/api/v1/indexes", {"name": "Shop"}).status_code == 403


def test_an_index_is_resolved_for_who_may_read_it(ada: Membership) -> None:
    index = make_index(ada)
    results = {"uuid": str(index.pk), "name": "Shop"}
    assert ask(session_of(ada), Index=index.pk).json()["index"] == results
    assert ask(session_of(ada), Index=str(index.pk).upper()).json()["index"] == results
    owner = make_member(ada.organization)
    alone = program(make_token(owner, permissions=[f"index:read:{index.pk}"]))
    assert ask(alone, Index=index.pk).json()["index"] == results


def test_an_index_one_may_not_read_is_refused(ada: Membership) -> None:
    first, second = make_index(ada), make_index(ada, "Blog")
    client = program(make_token(make_member(ada.organization), permissions=[f"index:write:{first.pk}"]))
    assert ask(client, Index=first.pk).status_code == 200
    response = ask(client, Index=second.pk)
    assert response.status_code == 403
    assert response.json()["required"] == [f"index:read:{second.pk}"]


def test_anothers_index_is_not_found_like_an_unknown_one(ada: Membership) -> None:
    stranger = make_index(make_member())
    answers = [ask(session_of(ada), Index=uuid) for uuid in (stranger.pk, typeid.new())]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


@pytest.mark.parametrize("header", ["Index", "User"])
@pytest.mark.parametrize("text", ["", "x", "0" * 32, "{" + FOUR + "}", "urn:uuid:" + FOUR, "१" * 36])
def test_what_is_no_uuid_is_malformed(ada: Membership, header: str, text: str) -> None:
    response = session_of(ada).get(PATH, headers={f"Tessera-{header}-UUID": text})
    assert response.status_code == 400
    assert f"Tessera-{header}-UUID" in response.json()["fields"]


@pytest.mark.parametrize(
    "uuid", [FOUR, UUID(int=0), UUID(int=2**128 - 1), "01890a5d-ac96-774b-0cce-b302099a8057"]
)
def test_an_end_user_has_a_uuid_of_version_7(ada: Membership, uuid: object) -> None:
    assert ask(session_of(ada), User=uuid).status_code == 400
    assert not EndUser.objects.exists()


def test_an_end_user_is_made_on_first_use_in_each_organization(ada: Membership) -> None:
    uuid, client = typeid.new(), session_of(ada)
    first, again = (ask(client, User=uuid).json()["endUser"] for _ in range(2))
    assert first == again == {"uuid": str(uuid), "createdAt": first["createdAt"]}
    ask(session_of(make_person()), User=uuid)
    assert EndUser.objects.filter(uuid=uuid).count() == 2
    assert EndUserCount.objects.get(organization=ada.organization).count == 1


def test_a_refused_index_makes_no_end_user(ada: Membership) -> None:
    assert ask(session_of(ada), Index=typeid.new(), User=typeid.new()).status_code == 404
    assert not EndUser.objects.exists()


def test_an_organization_has_no_more_end_users_than_the_cap(ada: Membership, settings: Any) -> None:
    settings.END_USERS_PER_ORGANIZATION = 2
    client, known = session_of(ada), typeid.new()
    assert [ask(client, User=uuid).status_code for uuid in (known, typeid.new(), typeid.new())] == [
        200,
        200,
        409,
    ]
    response = ask(client, User=typeid.new())
    assert response.json() == {
        "error": "End user limit reached",
        "code": "end_user_limit_reached",
        "limit": 2,
    }
    assert ask(client, User=known).status_code == 200
    assert ask(session_of(make_person()), User=typeid.new()).status_code == 200


def test_new_end_users_are_limited_by_the_minute(ada: Membership, settings: Any) -> None:
    settings.END_USERS_PER_MINUTE = 2
    client, known = session_of(ada), typeid.new()
    assert [ask(client, User=uuid).status_code for uuid in (known, typeid.new(), typeid.new())] == [
        200,
        200,
        429,
    ]
    assert ask(client, User=known).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_first_uses_make_one_record_and_keep_the_cap(settings: Any) -> None:
    settings.END_USERS_PER_ORGANIZATION = 3
    client, one = session_of(make_person()), typeid.new()
    assert set(at_once([lambda: ask(client, User=one).status_code] * 8)) == {200}
    assert EndUser.objects.count() == 1
    statuses = at_once([lambda: ask(client, User=typeid.new()).status_code] * 8)
    assert sorted(map(str, statuses)) == ["200"] * 2 + ["409"] * 6
    assert EndUser.objects.count() == EndUserCount.objects.get().count == 3


def test_a_known_end_user_and_index_cost_one_question_each(
    ada: Membership, django_assert_num_queries: Any
) -> None:
    client, index, uuid = session_of(ada), make_index(ada), typeid.new()
    ask(client, Index=index.pk, User=uuid)
    # 1: the bearer; 2: the index; 3: the end user
    with django_assert_num_queries(3):
        ask(client, Index=index.pk, User=uuid)


def test_nobody_has_no_context() -> None:
    assert Client().get(PATH).status_code == 401
