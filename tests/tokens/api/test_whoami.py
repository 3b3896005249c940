"""Who am I: the published lines of the API's documentation, and the bodies they promise."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken

PATHS = ("/api/auth/whoami", "/api/v1/identity")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.mark.parametrize("path", PATHS)
def test_a_token_is_told_its_organization_permissions_and_end(path: str, owner: Membership) -> None:
    issued = make_token(owner, "My integration", ["inventoryPlans.view", "index:read:*"])
    response = program(issued).get(path)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    body = response.json()
    ends = body.pop("tokenExpiresAt")
    assert INSTANT.fullmatch(ends)
    assert body == {
        "authKind": "api-token",
        "organizationId": owner.organization.public_id,
        "organizationName": owner.organization.name,
        "effectivePermissions": ["inventoryPlans.view", "index:read:*"],
        "tokenId": issued.token.public_id,
        "tokenName": "My integration",
        "metadata": {},
        "organizationMetadata": {},
    }


def test_a_token_that_never_expires_has_no_end(owner: Membership) -> None:
    issued = make_token(owner, expires_in_days=None)
    assert program(issued).get(PATHS[0]).json()["tokenExpiresAt"] is None


@pytest.mark.django_db
def test_no_key_is_asked_for_one(client: Client) -> None:
    response = client.get("/api/v1/identity")
    assert response.status_code == 401
    assert response.json() == {"error": "API key required", "code": "credential_required"}
    assert response["WWW-Authenticate"] == 'Bearer realm="tessera"'


@pytest.mark.django_db
def test_an_unknown_key_is_invalid() -> None:
    response = program(opaque.new().plaintext).get("/api/v1/identity")
    assert response.status_code == 401
    assert response.json() == {"error": "Invalid API key", "code": "invalid_token"}
    assert response["WWW-Authenticate"] == 'Bearer realm="tessera", error="invalid_token"'


@pytest.mark.parametrize("code", ["token_revoked", "token_expired", "organization_suspended"])
def test_a_key_that_ended_has_been_revoked(owner: Membership, code: str) -> None:
    issued = make_token(owner)
    now = timezone.now()
    row = ServiceAccountToken.objects.filter(pk=issued.token.pk)
    if code == "token_revoked":
        row.update(revoked_at=now)
    elif code == "token_expired":
        row.update(created_at=now - timedelta(days=2), expires_at=now - timedelta(days=1))
    else:
        owner.organization.suspended_at = now
        owner.organization.save()
    response = program(issued).get("/api/v1/identity")
    assert response.status_code == 401
    assert response.json() == {"error": "API key has been revoked", "code": code}
    assert response["WWW-Authenticate"] == 'Bearer realm="tessera", error="invalid_token"'


def test_the_rate_limit_headers_count_down(owner: Membership) -> None:
    client = program(make_token(owner))
    left = [client.get(PATHS[0]).headers for _ in range(2)]
    assert [headers["X-RateLimit-Limit"] for headers in left] == ["100", "100"]
    assert [headers["X-RateLimit-Remaining"] for headers in left] == ["99", "98"]
    assert int(left[0]["X-RateLimit-Reset"]) % 86_400 == 0


def test_the_long_form_is_a_key_like_any_other(db: None, settings: Any) -> None:
    settings.TOKEN_FORMAT = "alphanumeric"
    issued = make_token(make_member())
    assert re.fullmatch(r"[A-Za-z0-9]{64}", issued.plaintext)
    settings.TOKEN_FORMAT = "prefixed"
    assert program(issued).get("/api/v1/identity").json()["tokenId"] == issued.token.public_id


def test_who_am_i_asks_the_database_once(
    owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner.organization.requests_per_day = 1_000_000
    owner.organization.save()
    client = program(make_token(owner))
    client.get(PATHS[0])
    with django_assert_num_queries(1):
        client.get(PATHS[0])
