"""Metadata, allowed addresses and the own limit of a token, at its creation and afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership
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


def test_a_new_token_takes_metadata_addresses_and_a_limit(api: APIClient, owner: Membership) -> None:
    wish = {"name": "Export", "permissions": HELD, "expiresInDays": 1}
    created = api.post(URL, wish | LIMITS).json()
    assert {name: created[name] for name in LIMITS} == LIMITS
    plain = api.post(URL, wish | {"name": "Plain"}).json()
    assert {name: plain[name] for name in UNLIMITED} == UNLIMITED
    first, second = changes(owner.organization, "token.created")[1:]
    assert first == {
        "permissions": [None, HELD],
        "expiresAt": [None, created["expiresAt"]],
        "allowedAddresses": [None, LIMITS["allowedAddresses"]],
        "requestsPerDay": [None, 10**9],
        "metadata.customer": [None, "4711"],
    }
    assert second.keys() == {"permissions", "expiresAt"}


def test_metadata_addresses_and_the_limit_change_either_way(api: APIClient, other: Issued) -> None:
    for values in (LIMITS, UNLIMITED, LIMITS | {"requestsPerDay": 1}):
        answer = api.patch(at(other), values)
        assert answer.status_code == 200, answer.content
        assert {name: answer.json()[name] for name in values} == values
        assert api.get(at(other)).json() == answer.json()


def test_metadata_is_replaced_as_a_whole(api: APIClient, other: Issued) -> None:
    api.patch(at(other), {"metadata": {"a": "1", "b": "2"}})
    assert api.patch(at(other), {"metadata": {"b": "3"}}).json()["metadata"] == {"b": "3"}


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "a",
        {"a": 1},
        {"a": None},
        {"a": {"b": "c"}},
        {"": "x"},
        {"a b": "x"},
        {"é": "x"},
        {"a\n": "x"},
        {"a" * 41: "x"},
        {"a": "x" * 201},
        {"a": "line\nbreak"},
        {"a": "bell\x07"},
        {"a": "turned\u202earound"},
        {f"name{number}": "x" for number in range(21)},
    ],
)
def test_other_metadata_is_refused(api: APIClient, other: Issued, metadata: Any) -> None:
    for answer in (
        api.patch(at(other), {"metadata": metadata}),
        api.post(URL, {"name": "x", "permissions": HELD, "metadata": metadata}),
    ):
        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["metadata"])
        assert answer.json()["fields"]["metadata"][0].endswith(".")


def test_the_longest_metadata_is_accepted(api: APIClient, other: Issued) -> None:
    longest = {f"{number:02}" + "n.-_" * 9 + "Aa": "\U0001f600" * 200 for number in range(20)}
    assert api.patch(at(other), {"metadata": longest}).json()["metadata"] == longest


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("requestsPerDay", [0, -1, 10**9 + 1, 1.5, "5", True]),
        ("allowedAddresses", [None, "127.0.0.1", ["x"], [1], ["10.0.0.0/33"], ["::1"] * 21]),
        ("permissions", [None, [], "index:read:*", ["index"], [1], ["index:read:*"] * 101]),
        ("expiresAt", ["2099-01-01", "tomorrow", "2099-01-01T00:00:00", 4070908800, True, {}]),
    ],
)
def test_values_of_another_form_are_refused(
    api: APIClient, other: Issued, field: str, values: list[Any]
) -> None:
    before = api.get(at(other)).json()
    for value in values:
        answer = api.patch(at(other), {"name": "New", field: value})
        assert answer.status_code == 400, (value, answer.content)
        assert {name.partition(".")[0] for name in answer.json()["fields"]} == {field}, value
    assert api.get(at(other)).json() == before
