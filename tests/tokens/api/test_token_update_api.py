"""PATCH /api/v1/tokens/{id}: texts and limits change either way, permissions and expiry only narrower."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.drf.fields import instant
from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.team import changes
from tokens.service_accounts.issue import Issued

URL = "/api/v1/tokens"
HELD = ["index:write:*", "events:read:7", "tokens.manage"]
# The record's names with values that differ from those of a new token.
LIMITS: dict[str, Any] = {
    "metadata": {"customer": "4711", "note": ""},
    "allowedAddresses": ["127.0.0.0/8", "2001:db8::/48"],
    "requestsPerDay": 10**9,
}
UNLIMITED: dict[str, Any] = {"metadata": {}, "allowedAddresses": [], "requestsPerDay": None}


@pytest.fixture
def other(owner: Membership) -> Issued:
    return make_token(owner, "Other", HELD, description="Before")


def at(issued: Issued) -> str:
    return f"{URL}/{issued.token.public_id}"


def in_days(days: float) -> str:
    return str(instant(timezone.now() + timedelta(days=days)))


def test_name_and_description_change(api: APIClient, other: Issued) -> None:
    changed = api.patch(at(other), {"name": " Renamed ", "description": ""})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["description"]) == ("Renamed", "")
    assert api.patch(at(other), {}).json() == changed.json()
    assert api.get(at(other)).json() == changed.json()


@pytest.mark.parametrize("field", ["expiresInDays", "status", "id", "organization", "token"])
def test_nothing_else_changes(api: APIClient, other: Issued, field: str) -> None:
    response = api.patch(at(other), {"name": "New", field: None})
    assert response.status_code == 400
    assert response.json()["fields"] == {field: ["This cannot be changed."]}
    assert api.get(at(other)).json()["name"] == "Other"


def test_a_rename_keeps_active_names_unique(api: APIClient, other: Issued) -> None:
    response = api.patch(at(other), {"name": "Everything"})
    assert (response.status_code, list(response.json()["fields"])) == (400, ["name"])
    assert api.patch(at(other), {"name": "Other"}).status_code == 200
    api.delete(at(other))
    assert api.patch(at(other), {"name": "Everything"}).status_code == 200


@pytest.mark.parametrize(
    "narrower",
    [
        ["index:write:*", "tokens.manage"],
        ["index:read:*"],
        ["index:write:1", "index:read:2", "events:read:7"],
        ["tokens.view"],
    ],
)
def test_permissions_become_narrower(api: APIClient, other: Issued, narrower: list[str]) -> None:
    answer = api.patch(at(other), {"permissions": narrower})
    assert (answer.status_code, answer.json()["permissions"]) == (200, narrower)
    identity = program(other).get("/api/auth/whoami").json()
    assert identity["effectivePermissions"] == narrower


@pytest.mark.parametrize(
    ("wider", "named"),
    [
        (["index:admin:*"], ["index:admin:*"]),
        (["index:write:*", "events:read:8"], ["events:read:8"]),
        (["events:read:*", "events:write:7", "tokens.view"], ["events:read:*", "events:write:7"]),
        (["*:*:*"], ["*:*:*"]),
        (["members.view"], ["members.view"]),
    ],
)
def test_wider_permissions_are_refused_by_name(
    api: APIClient, other: Issued, wider: list[str], named: list[str]
) -> None:
    answer = api.patch(at(other), {"permissions": wider})
    assert answer.status_code == 400
    assert answer.json()["fields"] == {
        "permissions": [
            f"The token does not hold {text}. Its permissions can only become narrower." for text in named
        ]
    }
    assert api.get(at(other)).json()["permissions"] == HELD


def test_a_permission_that_does_not_exist_is_refused_as_such(api: APIClient, issued: Issued) -> None:
    answer = api.patch(at(issued), {"permissions": ["nothing:read:*"]})
    assert answer.json()["fields"] == {"permissions": ["There is no permission nothing:read:*."]}


def test_a_removed_permission_is_refused_in_the_next_request(api: APIClient, other: Issued) -> None:
    caller = program(other)
    assert caller.get(URL).status_code == 200
    api.patch(at(other), {"permissions": ["index:read:*"]})
    refused = caller.get(URL)
    assert (refused.status_code, refused.json()["required"]) == (403, ["tokens.view"])


def test_an_expiry_comes_sooner(api: APIClient, other: Issued) -> None:
    sooner = in_days(3)
    assert api.patch(at(other), {"expiresAt": sooner}).json()["expiresAt"] == sooner
    assert program(other).get("/api/auth/whoami").json()["tokenExpiresAt"] == sooner


def test_a_token_without_an_expiry_gets_one(api: APIClient, owner: Membership) -> None:
    endless = make_token(owner, expires_in_days=None)
    assert api.patch(at(endless), {"expiresAt": None}).status_code == 200
    assert api.patch(at(endless), {"expiresAt": in_days(366)}).status_code == 400
    day = in_days(364)
    assert api.patch(at(endless), {"expiresAt": day}).json()["expiresAt"] == day
    assert api.patch(at(endless), {"expiresAt": None}).status_code == 400


@pytest.mark.parametrize("days", [None, 91, -1, 0])
def test_a_later_or_past_expiry_is_refused(api: APIClient, other: Issued, days: int | None) -> None:
    wanted = None if days is None else in_days(days)
    before = api.get(at(other)).json()["expiresAt"]
    answer = api.patch(at(other), {"expiresAt": wanted})
    assert answer.status_code == 400
    [sentence] = answer.json()["fields"]["expiresAt"]
    future = "Choose a time in the future. To end the token now, revoke it."
    later = f"{wanted or 'No expiry'} is later than {before}. An expiry can only come sooner."
    assert sentence == (future if days in (-1, 0) else later)
    assert api.get(at(other)).json()["expiresAt"] == before


def test_a_wrong_field_keeps_the_others_from_changing(api: APIClient, other: Issued) -> None:
    before = api.get(at(other)).json()
    wish = {"name": "Everything", "permissions": ["*:*:*"], "expiresAt": None, "description": "After"}
    answer = api.patch(at(other), wish)
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"name", "permissions", "expiresAt"})
    assert api.get(at(other)).json() == before


def test_a_repeat_changes_and_records_nothing(api: APIClient, other: Issued, owner: Membership) -> None:
    wish = LIMITS | {"permissions": ["index:read:*", "tokens.view"], "expiresAt": in_days(3)}
    first = api.patch(at(other), wish).json()
    again = api.patch(at(other), wish | {"permissions": ["tokens.view", "index:read:*", "tokens.view"]})
    assert (again.status_code, again.json()) == (200, first)
    assert api.patch(at(other), {"expiresAt": first["expiresAt"]}).json() == first
    assert len(changes(owner.organization, "token.updated")) == 1


def test_one_event_has_all_values_before_and_after(api: APIClient, other: Issued, owner: Membership) -> None:
    api.patch(at(other), {"metadata": {"a": "1", "b": "2"}})
    before, day = api.get(at(other)).json()["expiresAt"], in_days(3)
    api.patch(
        at(other),
        {
            "metadata": {"b": "3", "c": "4"},
            "allowedAddresses": ["127.0.0.1"],
            "requestsPerDay": 5,
            "permissions": ["tokens.view"],
            "expiresAt": day,
        },
    )
    assert changes(owner.organization, "token.updated")[1] == {
        "permissions": [HELD, ["tokens.view"]],
        "expiresAt": [before, day],
        "allowedAddresses": [[], ["127.0.0.1"]],
        "requestsPerDay": [None, 5],
        "metadata.a": ["1", None],
        "metadata.b": ["2", "3"],
        "metadata.c": [None, "4"],
    }


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_an_ended_token_changes_in_its_texts_only(
    api: APIClient, other: Issued, ended: str, owner: Membership
) -> None:
    moment = timezone.now() - timedelta(days=1)
    type(other.token).objects.filter(pk=other.token.pk).update(
        **{"revoked_at": timezone.now()} if ended == "revoked" else {"expires_at": moment}
    )
    texts = {"name": "Old", "description": "Replaced.", "metadata": {"a": "1"}}
    answer = api.patch(at(other), texts)
    assert (answer.status_code, answer.json()["status"]) == (200, ended)
    for field, value in {
        "permissions": ["tokens.view"],
        "expiresAt": in_days(1),
        "requestsPerDay": 5,
        "allowedAddresses": ["127.0.0.1"],
    }.items():
        answer = api.patch(at(other), {"name": "Older", field: value})
        assert (answer.status_code, answer.json()["code"]) == (409, "token_not_active")
    assert api.get(at(other)).json()["name"] == "Old"


def test_a_token_narrows_itself(owner: Membership, other: Issued) -> None:
    caller = program(other)
    assert caller.patch(at(other), {"permissions": ["index:read:*"]}).status_code == 200
    assert caller.patch(at(other), {"permissions": ["index:read:1"]}).status_code == 403


def test_creation_is_repeated_by_its_key_alone(api: APIClient) -> None:
    wish = {"name": "Export", "permissions": HELD} | LIMITS
    created = api.post(URL, wish, headers={"Idempotency-Key": "once"}).json()
    again = api.post(URL, wish | UNLIMITED, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json()["code"]) == (409, "already_created")
    assert again.json()["record"]["id"] == created["id"]
    assert again.json()["record"]["metadata"] == LIMITS["metadata"]
