"""GET /api/v1/tokens: what is listed, found and paged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import actor, make_member, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.rotation import rotate

URL = "/api/v1/tokens"


def names(api: APIClient, **query: Any) -> list[str]:
    response = api.get(URL, query)
    assert response.status_code == 200, response.content
    return [token["name"] for token in response.json()["results"]]


@pytest.fixture
def various(api: APIClient, owner: Membership) -> None:
    """Beside the caller's own token: one active, one expired, one revoked, one whose member left."""
    make_token(owner, "Active")
    expired = make_token(owner, "Expired").token
    ServiceAccountToken.objects.filter(pk=expired.pk).update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
    )
    api.delete(f"{URL}/{make_token(owner, 'Revoked').token.public_id}")
    leaver = make_member(owner.organization, "admin")
    make_token(leaver, "Orphaned")
    Membership.objects.filter(pk=leaver.pk)._raw_delete("default")


@pytest.mark.usefixtures("various")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Active", "Everything"]),
        ({"status": "active"}, ["Active", "Everything"]),
        ({"status": "expired"}, ["Expired"]),
        ({"status": "revoked"}, ["Orphaned", "Revoked"]),
        ({"status": "all"}, ["Orphaned", "Revoked", "Expired", "Active", "Everything"]),
    ],
)
def test_a_status_chooses_and_the_newest_comes_first(
    api: APIClient, query: dict[str, str], expected: list[str]
) -> None:
    assert names(api, **query) == expected


@pytest.mark.usefixtures("various")
def test_each_row_says_its_status_and_a_lost_member_is_the_reason(api: APIClient) -> None:
    rows = {row["name"]: row for row in api.get(URL, {"status": "all"}).json()["results"]}
    assert {name: row["status"] for name, row in rows.items()} == {
        "Orphaned": "revoked",
        "Revoked": "revoked",
        "Expired": "expired",
        "Active": "active",
        "Everything": "active",
    }
    orphaned = rows["Orphaned"]
    assert orphaned["revokedReason"] == "The member responsible for it was removed"
    assert (orphaned["revokedAt"], orphaned["responsible"]) == (None, None)
    assert rows["Active"]["revokedReason"] is None


def test_a_token_near_its_end_is_active(api: APIClient, owner: Membership) -> None:
    make_token(owner, "Soon", expires_in_days=1)
    assert {row["status"] for row in api.get(URL).json()["results"]} == {"active"}


def test_search_finds_names_descriptions_and_last_four(api: APIClient, owner: Membership) -> None:
    issued = make_token(owner, "Nightly Export", description="To the warehouse")
    assert names(api, q="export") == ["Nightly Export"]
    assert names(api, q="WAREHOUSE") == ["Nightly Export"]
    assert names(api, q=issued.plaintext[-4:]) == ["Nightly Export"]
    rotate(token=issued.token, actor=actor(owner))
    assert names(api, q=issued.plaintext[-4:]) == ["Nightly Export"]
    assert names(api, q="%") == []
    assert names(api, q="") == ["Nightly Export", "Everything"]


def test_a_secret_in_the_address_is_refused_and_not_repeated(api: APIClient, issued: Issued) -> None:
    response = api.get(URL, {"q": issued.plaintext})
    assert response.status_code == 400
    assert response.json()["fields"].keys() == {"q"}
    assert issued.plaintext not in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"status": "expiring"},
        {"status": "ACTIVE"},
        {"limit": 0},
        {"limit": 101},
        {"limit": "ten"},
        {"q": "x" * 101},
        {"cursor": "nonsense"},
        {"cursor": "WyJhIiwiMDE5YSJd:abc"},
        {"cursor": "é"},
    ],
)
def test_a_parameter_that_cannot_be_is_named(api: APIClient, query: dict[str, Any]) -> None:
    response = api.get(URL, query)
    assert response.status_code == 400
    assert response.json()["fields"].keys() == query.keys()


def test_pages_follow_each_other_both_ways(api: APIClient, owner: Membership) -> None:
    for number in range(6):
        make_token(owner, f"Token {number}")
    first = api.get(URL, {"limit": 3, "status": "all"}).json()
    assert first["next"].startswith("http://testserver/api/v1/tokens?")
    assert first["previous"] is None
    # A token made meanwhile neither shifts the next page nor appears on it.
    make_token(owner, "Late")
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()
    pages = [[row["name"] for row in page["results"]] for page in (first, second, third)]
    assert pages == [
        ["Token 5", "Token 4", "Token 3"],
        ["Token 2", "Token 1", "Token 0"],
        ["Everything"],
    ]
    assert third["next"] is None
    assert api.get(third["previous"]).json()["results"] == second["results"]
    back = api.get(second["previous"]).json()
    assert back["results"] == first["results"]
    assert [row["name"] for row in api.get(back["previous"]).json()["results"]] == ["Late"]


def test_an_empty_page_has_no_neighbours(api: APIClient, owner: Membership) -> None:
    last = make_token(owner, "Row 1").token
    make_token(owner, "Row 2")
    following = api.get(URL, {"limit": 1, "q": "Row"}).json()["next"]
    api.delete(f"{URL}/{last.public_id}")
    assert api.get(following).json() == {"results": [], "next": None, "previous": None}


def test_a_cursor_of_another_organization_or_list_is_refused(api: APIClient, owner: Membership) -> None:
    make_token(owner)
    address = api.get(URL, {"limit": 1}).json()["next"]
    stranger = program(make_token(make_member(), permissions=["*:*:*"]))
    query = address.partition("?")[2]
    assert stranger.get(address).status_code == 400
    assert api.get(f"/api/v1/members?{query}").status_code == 400
    assert api.get(address[:-2]).status_code == 400
    assert api.get(address).status_code == 200


def test_a_page_of_fifty_costs_as_much_as_a_page_of_one(
    api: APIClient, owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner.organization.requests_per_day = 1_000_000
    owner.organization.save()
    for _ in range(9):
        make_token(owner)
    # The bearer is remembered from the second reading on.
    for _ in range(2):
        api.get(URL)
    # 1 and 2: tokens with their people, and secrets; 3 and 4: usage in SQL.
    for limit in (1, 10):
        with django_assert_num_queries(4):
            api.get(URL, {"limit": limit})
    for token in ServiceAccountToken.objects.all():
        rotate(token=token, actor=actor(owner))
    api.get(URL)
    # 5 and 6: usage of each secret, if one of the tokens was rotated.
    for limit in (1, 10):
        with django_assert_num_queries(6):
            api.get(URL, {"limit": limit})
