"""POST /api/v1/tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken

URL = "/api/v1/tokens"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RECORD = {
    *("id", "name", "description", "tokenPrefix", "lastFour", "permissions", "status"),
    *("createdAt", "createdBy", "expiresAt", "lastUsedAt", "lastUsedIp", "usageCount"),
    "refusedUses",
    *("metadata", "allowedAddresses", "requestsPerDay", "pausedAt", "pausedUntil", "pausedReason"),
    *("revokedAt", "revokedBy", "revokedReason", "responsible", "parent", "knownToFormerMember"),
    *("secrets", "rotation", "leakedAt", "leakSource", "unusedRevocationAt"),
}


def wish(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Export",
        "permissions": ["index:read:*", "analytics.view"],
        "expiresInDays": 30,
    } | changes


def test_the_answer_is_the_record_and_the_plaintext(api: APIClient, owner: Membership) -> None:
    response = api.post(URL, wish(description="Nightly."))
    assert response.status_code == 201
    body = response.json()
    assert body.keys() == {*RECORD, "token"}
    assert opaque.looks_real(body["token"])
    assert body["token"].startswith(body["tokenPrefix"])
    assert body["token"].endswith(body["lastFour"])
    assert body["permissions"] == ["index:read:*", "analytics.view"]
    assert (body["name"], body["description"], body["status"]) == ("Export", "Nightly.", "active")
    assert body["createdBy"] == {
        "id": owner.user.public_id,
        "name": owner.user.display_name,
        "email": owner.user.email,
    }
    assert body["responsible"] == {"memberId": owner.public_id, "name": owner.user.display_name}
    assert body["usageCount"] == 0
    assert (body["lastUsedAt"], body["revokedAt"], body["revokedBy"]) == (None, None, None)
    assert response["Location"] == f"{URL}/{body['id']}"


def test_the_new_token_works_and_the_plaintext_is_told_once(api: APIClient) -> None:
    body = api.post(URL, wish()).json()
    assert program(body["token"]).get("/api/auth/whoami").json()["tokenId"] == body["id"]
    later = api.get(f"{URL}/{body['id']}")
    assert later.json().keys() == RECORD
    assert body["token"] not in later.content.decode()


@pytest.fixture
def endless(owner: Membership) -> APIClient:
    """A program whose token has no expiry, so that what it creates may have any."""
    return program(make_token(owner, permissions=["*:*:*"], expires_in_days=None))


@pytest.mark.parametrize(
    ("asked", "days"), [({"expiresInDays": 1}, 1), ({"expiresInDays": 365}, 365), ({}, 90)]
)
def test_an_expiry_left_out_is_ninety_days(endless: APIClient, asked: dict[str, int], days: int) -> None:
    body = wish()
    del body["expiresInDays"]
    with time_machine.travel(NOW, tick=False):
        created = endless.post(URL, body | asked).json()
    expected = (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert created["expiresAt"] == expected
    assert created["createdAt"] == "2026-03-01T12:00:00.000Z"


def test_null_never_expires_where_the_policy_allows_it(endless: APIClient, owner: Membership) -> None:
    assert endless.post(URL, wish(expiresInDays=None)).json()["expiresAt"] is None
    owner.organization.never_expiring_allowed = False
    owner.organization.save()
    refused = endless.post(URL, wish(name="Other", expiresInDays=None))
    assert refused.status_code == 400
    assert refused.json()["fields"].keys() == {"expiresInDays"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "safe\u202egnp"}, "name"),
        ({"name": "\u200d"}, "name"),
        ({"name": "a\x07"}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"description": "a\u2066b"}, "description"),
        ({"description": ["a"]}, "description"),
        ({"permissions": []}, "permissions"),
        ({"permissions": "index:read:*"}, "permissions"),
        ({"permissions": None}, "permissions"),
        ({"permissions": ["no permission"]}, "permissions.0"),
        ({"permissions": ["index:read:*", 3]}, "permissions.1"),
        ({"permissions": ["index:read:" + "x" * 200]}, "permissions.0"),
        ({"permissions": ["unheardOf.view"]}, "permissions"),
        ({"permissions": ["index:read:*"] * 101}, "permissions"),
        ({"expiresInDays": 0}, "expiresInDays"),
        ({"expiresInDays": 366}, "expiresInDays"),
        ({"expiresInDays": "30"}, "expiresInDays"),
        ({"expiresInDays": 30.0}, "expiresInDays"),
        ({"expiresInDays": True}, "expiresInDays"),
        ({"expires_in_days": 30}, "expires_in_days"),
        ({"organizationId": "org_x"}, "organizationId"),
        ({"token": "mine"}, "token"),
    ],
)
def test_a_field_that_cannot_be_is_named(api: APIClient, changes: dict[str, Any], field: str) -> None:
    response = api.post(URL, wish(**changes))
    assert response.status_code == 400
    body = response.json()
    assert (body["error"], body["code"]) == ("Invalid request", "invalid_request")
    assert body["fields"].keys() == {field}
    assert ServiceAccountToken.objects.count() == 1


def test_names_are_trimmed_and_unique_among_active_tokens(api: APIClient) -> None:
    first = api.post(URL, wish(name="  Export ")).json()
    assert first["name"] == "Export"
    again = api.post(URL, wish())
    assert (again.status_code, list(again.json()["fields"])) == (400, ["name"])
    api.delete(f"{URL}/{first['id']}")
    assert api.post(URL, wish()).status_code == 201


def test_a_token_grants_no_more_than_it_holds(owner: Membership) -> None:
    narrow = program(make_token(owner, permissions=["tokens.manage", "index:read:*"]))
    response = narrow.post(URL, wish(permissions=["index:read:a", "index:write:*"]))
    assert response.status_code == 403
    assert response.json() == {
        "error": "Permission denied",
        "code": "insufficient_scope",
        "required": ["index:write:*"],
    }
    assert narrow.post(URL, wish(permissions=["index:read:a"])).status_code == 201


def test_the_51st_active_token_is_refused(api: APIClient, settings: Any) -> None:
    settings.ACTIVE_TOKENS_PER_ORGANIZATION = 1
    response = api.post(URL, wish())
    assert response.status_code == 409
    assert response.json() == {"error": "Token limit reached", "code": "token_limit_reached", "limit": 1}


def test_a_repeated_key_makes_no_second_token(api: APIClient) -> None:
    headers = {"Idempotency-Key": "7f3c-1"}
    first = api.post(URL, wish(), headers=headers).json()
    again = api.post(URL, wish(), headers=headers)
    assert again.status_code == 409
    body = again.json()
    assert (body["error"], body["code"]) == ("Already created", "already_created")
    assert body["record"].keys() == RECORD
    assert body["record"]["id"] == first["id"]
    assert first["token"] not in again.content.decode()
    assert api.post(URL, wish(name="Next"), headers={"Idempotency-Key": "7f3c-2"}).status_code == 201


def test_a_key_is_an_organizations_own(api: APIClient) -> None:
    other = program(make_token(make_member(), permissions=["*:*:*"]))
    headers = {"Idempotency-Key": "the-same"}
    assert api.post(URL, wish(), headers=headers).status_code == 201
    assert other.post(URL, wish(), headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "schlüssel"])
def test_a_key_that_cannot_be_is_refused(api: APIClient, key: str) -> None:
    response = api.post(URL, wish(), headers={"Idempotency-Key": key})
    assert response.status_code == 400
    assert response.json()["fields"].keys() == {"Idempotency-Key"}
