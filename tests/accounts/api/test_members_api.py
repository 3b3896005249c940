"""GET /api/v1/members."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_member, make_token, make_user

URL = "/api/v1/members"


def test_it_tells_people_roles_and_what_goes_beyond_them(api: APIClient, owner: Membership) -> None:
    zoe = make_user("zoe@example.com", name="Zoë")
    viewer = make_member(owner.organization, "viewer", zoe, permissions=["index:write:*"])
    make_member()
    body = api.get(URL).json()
    assert body.keys() == {"results", "next", "previous"}
    first, second = body["results"]
    joined = first.pop("joinedAt")
    assert joined.endswith("Z")
    assert first == {
        "id": viewer.public_id,
        "role": "viewer",
        "permissions": ["index:write:*"],
        "user": {"id": zoe.public_id, "email": "zoe@example.com", "name": "Zoë"},
        "lastSeenAt": None,
    }
    assert (second["id"], second["role"], second["permissions"]) == (owner.public_id, "owner", [])


def test_a_person_without_a_name_is_called_by_the_address(api: APIClient, owner: Membership) -> None:
    [member] = api.get(URL).json()["results"]
    assert member["user"]["name"] == owner.user.email.partition("@")[0]


def test_it_is_paged(api: APIClient, owner: Membership) -> None:
    newest = [make_member(owner.organization, "member").public_id for _ in range(3)][::-1]
    first = api.get(URL, {"limit": 2}).json()
    second = api.get(first["next"]).json()
    found = [member["id"] for page in (first, second) for member in page["results"]]
    assert found == [*newest, owner.public_id]
    assert second["next"] is None
    assert api.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"cursor": "x"}])
def test_a_parameter_that_cannot_be_is_named(api: APIClient, query: dict[str, str]) -> None:
    response = api.get(URL, query)
    assert (response.status_code, response.json()["fields"].keys()) == (400, query.keys())


def test_many_members_cost_as_much_as_one(
    api: APIClient, owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner.organization.requests_per_day = 1_000_000
    owner.organization.save()
    for _ in range(5):
        make_member(owner.organization, "member")
    api.get(URL)
    # 1: the bearer; 2: members with their people.
    with django_assert_num_queries(2):
        api.get(URL)


def test_it_needs_its_permission(owner: Membership) -> None:
    response = program(make_token(owner, permissions=["tokens.manage"])).get(URL)
    assert (response.status_code, response.json()["required"]) == (403, ["members.view"])
