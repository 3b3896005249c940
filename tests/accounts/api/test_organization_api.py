"""GET and PATCH /api/v1/organization."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.team import changes

URL = "/api/v1/organization"


def test_it_tells_name_plan_and_policy(api: APIClient, owner: Membership) -> None:
    organization = owner.organization
    body = api.get(URL).json()
    created = body.pop("createdAt")
    assert created.endswith("Z")
    assert body == {
        "id": organization.public_id,
        "name": organization.name,
        "slug": organization.slug,
        "plan": {
            "id": organization.plan.slug,
            "name": organization.plan.name,
            "requestsPerDay": 100,
            "burstPerMinute": organization.plan.burst_per_minute,
        },
        "publishableKey": organization.publishable_key,
        "neverExpiringTokensAllowed": True,
        "longestTokenDays": None,
        "ssoRequired": False,
        "ssoProvider": None,
        "ssoTenant": None,
        "mfaRequired": False,
        "emailDomains": [],
        "allowedAddresses": [],
        "leakedTokens": "revoke",
        "unusedTokensRevokedAfterDays": None,
        "metadata": {},
    }


def test_its_own_number_goes_before_the_plans(api: APIClient, owner: Membership) -> None:
    owner.organization.requests_per_day = 7
    owner.organization.save()
    assert api.get(URL).json()["plan"]["requestsPerDay"] == 7


def test_name_and_policy_change_alone_or_together(api: APIClient) -> None:
    before = api.get(URL).json()
    renamed = api.patch(URL, {"name": " New name "})
    assert (renamed.status_code, renamed.json()) == (200, before | {"name": "New name"})
    strict = api.patch(URL, {"neverExpiringTokensAllowed": False})
    assert strict.json() == before | {"name": "New name", "neverExpiringTokensAllowed": False}
    assert api.patch(URL, {}).json() == strict.json()
    assert api.get(URL).json() == strict.json()


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": None},
        {"name": 1},
        {"name": "x" * 101},
        {"name": "a\u202eb"},
        {"name": "See www.evil.example"},
        {"neverExpiringTokensAllowed": "false"},
        {"neverExpiringTokensAllowed": 0},
        {"neverExpiringTokensAllowed": None},
        {"longestTokenDays": 0},
        {"longestTokenDays": 366},
        {"longestTokenDays": "30"},
        {"longestTokenDays": True},
        {"ssoRequired": "true"},
        {"mfaRequired": None},
        {"emailDomains": "example.com"},
        {"emailDomains": None},
        {"emailDomains": [1]},
        {"emailDomains": ["ada@example.com"]},
        {"emailDomains": ["example"]},
        {"emailDomains": [f"d{number}.example.com" for number in range(51)]},
        {"allowedAddresses": "203.0.113.7"},
        {"allowedAddresses": None},
        {"allowedAddresses": [1]},
        {"allowedAddresses": ["203.0.113.7/24"]},
        {"allowedAddresses": ["office"]},
        {"allowedAddresses": [f"203.0.113.{number}" for number in range(21)]},
        {"unusedTokensRevokedAfterDays": 29},
        {"unusedTokensRevokedAfterDays": 366},
        {"unusedTokensRevokedAfterDays": "90"},
        {"unusedTokensRevokedAfterDays": True},
        {"leakedTokens": "ignore"},
        {"leakedTokens": ""},
        {"leakedTokens": None},
        {"leakedTokens": True},
        {"slug": "taken"},
        {"plan": "enterprise"},
        {"publishableKey": "x"},
        {"never_expiring_allowed": False},
    ],
)
def test_anything_else_is_refused_by_name(api: APIClient, body: dict[str, Any]) -> None:
    before = api.get(URL).json()
    response = api.patch(URL, body)
    assert response.status_code == 400
    assert {name.partition(".")[0] for name in response.json()["fields"]} == body.keys()
    assert api.get(URL).json() == before


def test_a_flood_of_unknown_fields_is_answered_briefly(api: APIClient) -> None:
    response = api.patch(URL, {f"field{number}" + "x" * 200: 1 for number in range(1000)})
    assert response.status_code == 400
    assert len(response.content) < 10_000


@pytest.mark.parametrize(
    ("method", "needed"), [("get", "organization.view"), ("patch", "organization.manage")]
)
def test_each_operation_needs_its_permission(owner: Membership, method: str, needed: str) -> None:
    without = program(make_token(owner, permissions=["tokens.manage", "members.view"]))
    response = getattr(without, method)(URL)
    assert (response.status_code, response.json()["required"]) == (403, [needed])
    assert getattr(program(make_token(owner, permissions=[needed])), method)(URL).status_code == 200


def test_metadata_is_replaced_and_recorded_by_entry(api: APIClient, owner: Membership) -> None:
    for values in ({"region": "eu", "tier": "gold"}, {"tier": "silver"}, {"tier": "silver"}):
        answer = api.patch(URL, {"metadata": values})
        assert (answer.status_code, answer.json()["metadata"]) == (200, values)
    assert api.get("/api/auth/whoami").json()["organizationMetadata"] == {"tier": "silver"}
    assert changes(owner.organization, "organization.changed") == [
        {"metadata.region": [None, "eu"], "metadata.tier": [None, "gold"]},
        {"metadata.region": ["eu", None], "metadata.tier": ["gold", "silver"]},
    ]


@pytest.mark.parametrize("metadata", [None, [], {"a b": "x"}, {"a": 1}, {"a": "x" * 201}])
def test_other_metadata_is_refused(api: APIClient, metadata: Any) -> None:
    answer = api.patch(URL, {"metadata": metadata})
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["metadata"])
