"""Rotation over the API: its bodies and refusals, and what a token's record says of its secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership
from ratelimit.usage.sync import Sync
from tests.support.clients import program
from tests.support.people import make_token
from tokens.models import TokenSecret
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHOAMI = "/api/auth/whoami"


@pytest.fixture
def ci(owner: Membership) -> Issued:
    return make_token(owner, "ci")


def url(issued: Issued, end: str = "/rotate") -> str:
    return f"/api/v1/tokens/{issued.token.public_id}{end}"


def status(bearer: str) -> int:
    return int(program(bearer).get(WHOAMI).status_code)


def rotated(api: APIClient, issued: Issued, **body: Any) -> dict[str, Any]:
    response = api.post(url(issued), body)
    assert response.status_code == 201, response.content
    found: dict[str, Any] = response.json()
    return found


def test_the_answer_is_the_record_with_the_new_secret(api: APIClient, ci: Issued) -> None:
    before = api.get(url(ci, "")).json()
    with time_machine.travel(NOON, tick=False):
        body = rotated(api, ci)
        assert status(ci.plaintext) == status(body["token"]) == 200
    assert body["id"] == ci.token.public_id
    assert body["token"] != ci.plaintext
    assert body["lastFour"] == body["token"][-4:]
    assert body["rotation"] == {
        "startedAt": "2026-03-02T12:00:00.000Z",
        "endsAt": "2026-03-03T12:00:00.000Z",
        "closesAfterFirstUseSeconds": None,
    }
    changing = {"token", "lastFour", "secrets", "rotation"}
    assert {name: value for name, value in body.items() if name not in changing} == {
        name: value for name, value in before.items() if name not in changing
    }


def test_the_record_does_not_repeat_the_secret(api: APIClient, ci: Issued) -> None:
    secret = rotated(api, ci)["token"]
    assert secret not in api.get(url(ci, "")).content.decode()


def test_the_end_of_the_overlap_reflects_the_first_use(api: APIClient, ci: Issued) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        secret = rotated(api, ci, closeAfterFirstUseSeconds=60)["token"]
        clock.move_to(NOON + HOUR)
        assert status(secret) == 200
        rotation = api.get(url(ci, "")).json()["rotation"]
        assert rotation["endsAt"] == "2026-03-02T13:01:00.000Z"
        assert rotation["closesAfterFirstUseSeconds"] == 60
        clock.move_to(NOON + HOUR + timedelta(seconds=60))
        assert api.get(url(ci, "")).json()["rotation"] is None


def test_each_secret_has_its_calls_and_its_last_use(api: APIClient, ci: Issued) -> None:
    def calls() -> list[int]:
        record = api.get(url(ci, "")).json()
        assert sum(one["calls"] for one in record["secrets"]) == record["usageCount"]
        return [one["calls"] for one in record["secrets"]]

    assert [status(ci.plaintext) for _ in range(3)] == [200] * 3
    assert calls() == [3]
    second = rotated(api, ci)["token"]
    assert calls() == [0, 3]
    assert [status(one) for one in (ci.plaintext, second, ci.plaintext)] == [200] * 3
    assert calls() == [1, 5]
    Sync()()
    api.post(url(ci, "/rotation/finish"))
    third = rotated(api, ci)["token"]
    status(third)
    assert calls() == [1, 1, 5]
    newest, *_, first = api.get(url(ci, "")).json()["secrets"]
    assert (newest["lastFour"], newest["validUntil"]) == (third[-4:], None)
    assert first["lastFour"] == ci.plaintext[-4:]
    assert first["validUntil"] is not None
    assert first["lastUsedAt"] < newest["lastUsedAt"]


def test_a_secret_keeps_its_last_use_from_before_the_rotation(api: APIClient, ci: Issued) -> None:
    status(ci.plaintext)
    [before] = api.get(url(ci, "")).json()["secrets"]
    new = rotated(api, ci, overlapSeconds=0)["token"]
    status(new)
    _, after = api.get(url(ci, "")).json()["secrets"]
    assert (after["calls"], after["lastUsedAt"]) == (1, before["lastUsedAt"])


def test_a_secret_that_was_never_used_has_no_last_use(api: APIClient, ci: Issued) -> None:
    status(rotated(api, ci)["token"])
    _, first = api.get(url(ci, "")).json()["secrets"]
    assert (first["calls"], first["lastUsedAt"]) == (0, None)


def test_a_cancelled_secret_is_not_listed_and_its_calls_belong_to_no_other(
    api: APIClient, ci: Issued
) -> None:
    status(ci.plaintext)
    cancelled = rotated(api, ci)["token"]
    status(cancelled)
    assert api.delete(url(ci, "/rotation")).status_code == 204
    assert status(cancelled) == 401
    [first] = api.get(url(ci, "")).json()["secrets"]
    assert (first["lastFour"], first["calls"], first["validUntil"]) == (ci.plaintext[-4:], 1, None)


def test_finishing_answers_the_record_also_without_a_rotation(api: APIClient, ci: Issued) -> None:
    secret = rotated(api, ci)["token"]
    for _ in range(2):
        response = api.post(url(ci, "/rotation/finish"))
        assert response.status_code == 200
        assert response.json()["rotation"] is None
    refused = program(ci).get(WHOAMI)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_rotated")
    assert status(secret) == 200


def test_each_state_that_forbids_it_has_its_code(api: APIClient, ci: Issued) -> None:
    def code(method: str, end: str) -> tuple[int, str]:
        response = api.generic(method, url(ci, end), "{}", content_type="application/json")
        return response.status_code, response.json()["code"]

    assert code("DELETE", "/rotation") == (409, "no_rotation")
    rotated(api, ci)
    assert code("POST", "/rotate") == (409, "rotation_in_progress")
    api.delete(url(ci, ""))
    assert code("POST", "/rotate") == (409, "token_not_active")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"overlapSeconds": -1}, {"overlapSeconds"}),
        ({"overlapSeconds": 604_801}, {"overlapSeconds"}),
        ({"overlapSeconds": None}, {"overlapSeconds"}),
        ({"overlapSeconds": "60"}, {"overlapSeconds"}),
        ({"closeAfterFirstUseSeconds": 1.5}, {"closeAfterFirstUseSeconds"}),
        ({"expiresInDays": 0}, {"expiresInDays"}),
        ({"expiresInDays": 366}, {"expiresInDays"}),
        ({"name": "x"}, {"name"}),
    ],
)
def test_a_wrong_field_is_named(api: APIClient, ci: Issued, body: dict[str, Any], fields: set[str]) -> None:
    response = api.post(url(ci), body)
    assert (response.status_code, set(response.json()["fields"])) == (400, fields)


def test_a_repeat_with_the_same_key_answers_the_record_without_the_secret(api: APIClient, ci: Issued) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = api.post(url(ci), {}, headers=headers)
    again = api.post(url(ci), {}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 409)
    assert again.json()["code"] == "already_created"
    assert again.json()["record"]["rotation"] == first.json()["rotation"]
    assert first.json()["token"] not in again.content.decode()


def test_a_token_with_the_permission_rotates_itself_alone(owner: Membership, ci: Issued) -> None:
    itself = make_token(owner, permissions=["tokens:rotate:self"])
    caller = program(itself)
    refused = caller.post(url(ci), {})
    assert (refused.status_code, refused.json()["required"]) == (403, ["tokens.manage"])
    assert caller.post("/api/v1/tokens/tok_none/rotate", {}).status_code == 403
    secret = caller.post(url(itself), {}).json()["token"]
    assert status(secret) == 200
    for method, end in (("post", "/rotation/finish"), ("delete", "/rotation"), ("get", "")):
        assert getattr(program(secret), method)(url(itself, end)).status_code == 403


def test_a_token_without_the_permission_does_not_rotate_itself(ci: Issued) -> None:
    assert program(ci).post(url(ci), {}).status_code == 403


def test_neither_the_token_nor_a_program_that_it_created_cancels_its_rotation(
    owner: Membership, api: APIClient
) -> None:
    itself = make_token(owner, permissions=["tokens.manage"])
    body = {"name": "child", "permissions": ["tokens.manage"]}
    child = program(itself).post("/api/v1/tokens", body).json()["token"]
    new = rotated(api, itself)["token"]
    for bearer in (itself.plaintext, new, child):
        refused = program(bearer).delete(url(itself, "/rotation"))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert status(new) == 200
    other = make_token(owner, permissions=["tokens.manage"])
    assert program(other).delete(url(itself, "/rotation")).status_code == 204


def test_a_caller_who_lacks_one_of_its_permissions_gets_no_secret(owner: Membership, ci: Issued) -> None:
    manager = make_token(owner, permissions=["tokens.manage"])
    refused = program(manager).post(url(ci), {})
    assert (refused.status_code, refused.json()["required"]) == (403, ["index:read:*"])


def test_a_token_is_rotated_ten_times_an_hour(api: APIClient, owner: Membership, ci: Issued) -> None:
    assert [api.post(url(ci), {"overlapSeconds": -1}).status_code for _ in range(10)] == [400] * 10
    for _ in range(10):
        rotated(api, ci, overlapSeconds=0)
    refused = api.post(url(ci), {"overlapSeconds": 0})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 3000 < int(refused["Retry-After"]) <= 3600
    assert ci.token.secrets.count() == 11
    rotated(api, make_token(owner))


def test_a_record_has_the_newest_20_secrets_each_with_its_own_calls(api: APIClient, ci: Issued) -> None:
    status(ci.plaintext)
    rotated(api, ci, overlapSeconds=0)
    ended = {"valid_until": timezone.now(), "superseded_at": timezone.now(), "is_counted": True}
    for number in range(19):
        TokenSecret.objects.create(token=ci.token, digest=bytes([number] * 32), last_four="used", **ended)
    shown = api.get(url(ci, "")).json()["secrets"]
    assert len(shown) == 20
    assert {one["calls"] for one in shown} == {0}
    assert ci.plaintext[-4:] not in {one["lastFour"] for one in shown}


def test_a_secret_that_ended_meanwhile_finds_its_token_in_the_look_up(api: APIClient, ci: Issued) -> None:
    rotated(api, ci, overlapSeconds=0)
    found = api.post("/api/v1/tokens/lookup", {"token": ci.plaintext})
    assert (found.status_code, found.json()["id"]) == (200, ci.token.public_id)
