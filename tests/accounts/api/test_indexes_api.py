"""Indexes: each may be named by a permission of its own."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import typeid
from accounts.models import Index, Membership
from accounts.resources import indexes
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
PATH = "/api/v1/indexes"


@pytest.fixture
def owner() -> Membership:
    return make_member()


def holding(owner: Membership, *permissions: str) -> APIClient:
    return program(make_token(owner, permissions=permissions))


def make(owner: Membership, *names: str) -> list[Index]:
    return [indexes.create(organization_id=owner.organization_id, name=name) for name in names]


def path_of(index: Index) -> str:
    return f"{PATH}/{index.pk}"


def test_an_index_is_made_read_renamed_and_deleted(owner: Membership) -> None:
    client = holding(owner, "index:write:*")
    response = client.post(PATH, {"name": "Shop"})
    assert response.status_code == 201
    made = response.json()
    assert made.keys() == {"uuid", "name", "createdAt"}
    path = f"{PATH}/{made['uuid']}"
    assert client.get(path).json() == made
    assert client.patch(path, {"name": "Store"}).json() == made | {"name": "Store"}
    assert client.patch(path, {}).json()["name"] == "Store"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("permission", ["index:read:*", "tokens.view"])
def test_making_one_takes_the_right_to_write_all(owner: Membership, permission: str) -> None:
    [index] = make(owner, "Shop")
    for client in (holding(owner, permission), holding(owner, f"index:write:{index.pk}")):
        response = client.post(PATH, {"name": "Blog"})
        assert response.status_code == 403
        assert response.json()["required"] == ["index:write:*"]


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("read", {"get"}), ("write", {"get", "patch", "delete"}), ("admin", {"get", "patch", "delete"})],
)
def test_a_permission_for_one_index_reaches_it_alone(
    owner: Membership, action: str, allowed: set[str]
) -> None:
    first, second = make(owner, "Shop", "Blog")
    client = holding(owner, f"index:{action}:{first.pk}")
    for method, body in (("get", None), ("patch", {"name": "New"}), ("delete", None)):
        status = getattr(client, method)(path_of(first), body).status_code
        assert status == ({"delete": 204}.get(method, 200) if method in allowed else 403), method
        other = getattr(client, method)(path_of(second), body)
        assert other.status_code == 403
        wanted = "read" if method == "get" else "write"
        assert other.json()["required"] == [f"index:{wanted}:{second.pk}"]
        assert f'scope="index:{wanted}:{second.pk}"' in other["WWW-Authenticate"]


def test_the_list_holds_those_that_one_may_read(owner: Membership) -> None:
    first, second, _ = make(owner, "Shop", "Blog", "News")
    make(make_member(), "Theirs")

    def names(*permissions: str) -> list[str]:
        response = holding(owner, *permissions).get(PATH)
        return [row["name"] for row in response.json()["results"]]

    assert names("index:read:*") == ["News", "Blog", "Shop"]
    assert names("index:admin:*") == ["News", "Blog", "Shop"]
    assert names(f"index:read:{first.pk}", f"index:write:{second.pk!s}") == ["Blog", "Shop"]
    assert names("index:read:no-uuid") == []
    response = holding(owner, "tokens.view").get(PATH)
    assert response.status_code == 403
    assert response.json()["required"] == ["index:read:*"]


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_anothers_index_answers_like_an_unknown_one(owner: Membership, method: str) -> None:
    [theirs] = make(make_member(), "Theirs")
    client = holding(owner, "*:*:*")
    answers = [
        getattr(client, method)(f"{PATH}/{name}", {"name": "Mine"})
        for name in (theirs.pk, typeid.new(), "x", theirs.pk.hex)
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": 1}, {"name": "a\u202eb"}, {"name": "x" * 101}, {"name": "Shop", "uuid": "x"}],
)
def test_a_wish_of_another_form_is_refused(owner: Membership, body: dict[str, Any]) -> None:
    assert holding(owner, "index:write:*").post(PATH, body).status_code == 400


def test_a_name_is_free_in_another_organization_only(owner: Membership) -> None:
    client, stranger = holding(owner, "index:write:*"), holding(make_member(), "index:write:*")
    assert client.post(PATH, {"name": "Shop"}).status_code == 201
    assert stranger.post(PATH, {"name": "Shop"}).status_code == 201
    response = client.post(PATH, {"name": "Shop"})
    assert response.status_code == 400
    assert response.json()["fields"] == {"name": ["An index of this name exists already."]}
    [other] = make(owner, "Blog")
    assert client.patch(path_of(other), {"name": "Shop"}).status_code == 400
    assert client.patch(path_of(other), {"name": "Blog"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_wishes_for_one_name_have_one_winner() -> None:
    client = holding(make_member(), "index:write:*")
    statuses = at_once([lambda: client.post(PATH, {"name": "Shop"}).status_code] * 6)
    assert sorted(map(str, statuses)) == ["201"] + ["400"] * 5
