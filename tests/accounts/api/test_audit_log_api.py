"""GET /api/v1/audit-events: newest first, filtered, of one organization, for those who may see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership
from accounts.permissions.roles import Role
from accounts.resources import indexes
from tests.support.clients import program
from tests.support.people import actor, make_member, make_token
from tests.support.sessions import session_of

PATH = "/api/v1/audit-events"


def events(client: APIClient, **query: str) -> list[dict[str, Any]]:
    response = client.get(PATH, query)
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_an_event_is_told_in_the_contracts_form(owner: Membership, api: APIClient) -> None:
    made = events(api)[0]

    assert made.keys() == {
        *("id", "sequence", "action", "actor", "target", "at", "ip", "requestId", "changes"),
    }
    assert made["id"].startswith("evt_")
    assert made["action"] == "token.created"
    assert made["actor"] == {"type": "user", "id": owner.user.public_id, "name": owner.user.display_name}
    assert made["target"]["type"] == "token"
    assert made["at"].endswith("Z")


def test_the_pages_are_newest_first_and_hold_each_event_once(owner: Membership, api: APIClient) -> None:
    for number in range(5):
        indexes.create(organization_id=owner.organization_id, name=f"Shop {number}", actor=actor(owner))
    response = api.get(PATH, {"limit": "2"}).json()
    seen = [one["sequence"] for one in response["results"]]
    while response["next"]:
        response = api.get(response["next"]).json()
        seen += [one["sequence"] for one in response["results"]]

    assert seen == [6, 5, 4, 3, 2, 1]
    assert [one["sequence"] for one in api.get(response["previous"]).json()["results"]] == [4, 3]


def test_the_filters_choose(owner: Membership, api: APIClient) -> None:
    indexes.create(organization_id=owner.organization_id, name="Shop", actor=actor(owner))
    today = timezone.now().date()
    ago, tomorrow = str(today - timedelta(days=1)), str(today + timedelta(days=1))

    assert [one["action"] for one in events(api, action="index.created")] == ["index.created"]
    assert len(events(api, actor=owner.user.public_id)) == 2
    assert events(api, actor="nobody of this name") == []
    assert [one["action"] for one in events(api, target="SHO")] == ["index.created"]
    (made,) = events(api, target="Everything")
    assert events(api, target=made["target"]["id"]) == [made]
    assert events(api, target=made["target"]["id"][:-1]) == []
    assert len(events(api, **{"from": ago, "to": tomorrow})) == 2
    assert events(api, to=ago) == []
    assert events(api, **{"from": timezone.now().isoformat()}) == []


@pytest.mark.parametrize(
    "query",
    [
        {"action": "no.such_action"},
        {"from": "yesterday"},
        {"from": "2026-01-01T00:00:00"},
        {"from": "2026-02-30"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"cursor": "made-up"},
        {"actor": "\x00"},
        {"target": "\x00"},
        {"target": "x" * 201},
    ],
)
def test_a_filter_that_means_nothing_is_refused(api: APIClient, query: dict[str, str]) -> None:
    assert api.get(PATH, query).status_code == 400


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.MEMBER, 403), (Role.VIEWER, 403)]
)
def test_owners_and_admins_may_read_it(owner: Membership, role: Role, status: int) -> None:
    member = make_member(owner.organization, role)

    assert session_of(member).get(PATH).status_code == status


def test_nothing_of_another_organization_is_in_it(owner: Membership, api: APIClient) -> None:
    other = make_token(make_member(), "Other", ["*:*:*"])
    cursor = program(other).get(PATH, {"limit": "1"}).json()
    assert cursor["next"] is None

    assert {one["target"]["name"] for one in events(api)} == {"Everything"}
