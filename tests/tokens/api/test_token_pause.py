"""POST /api/v1/tokens/{id}/pause and resume, and what a paused token gets from every way to use it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.drf.fields import instant
from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.team import changes
from tests.tokens.oauth.calls import ask, make_program
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

URL = "/api/v1/tokens"


@pytest.fixture
def other(owner: Membership) -> Issued:
    return make_token(owner, "Other", ["index:read:*"])


def at(issued: Issued, action: str) -> str:
    return f"{URL}/{issued.token.public_id}/{action}"


def test_a_pause_answers_the_record_and_a_resumption_clears_it(api: APIClient, other: Issued) -> None:
    until = instant(timezone.now() + timedelta(days=1))
    paused = api.post(at(other, "pause"), {"until": until, "reason": "Is it needed?"})
    assert paused.status_code == 200
    record = paused.json()
    assert (record["status"], record["pausedUntil"]) == ("paused", until)
    assert record["pausedReason"] == "Is it needed?"
    assert record["pausedAt"] > record["createdAt"]
    assert api.get(f"{URL}/{other.token.public_id}").json() == record
    resumed = api.post(at(other, "resume"))
    assert resumed.status_code == 200
    assert resumed.json() == record | {
        "status": "active",
        "pausedAt": None,
        "pausedUntil": None,
        "pausedReason": None,
    }


def test_a_pause_needs_no_body(api: APIClient, other: Issued) -> None:
    record = api.post(at(other, "pause")).json()
    assert (record["status"], record["pausedUntil"], record["pausedReason"]) == ("paused", None, None)


def test_active_tokens_include_paused_ones(api: APIClient, other: Issued) -> None:
    api.post(at(other, "pause"))
    listed = {one["name"]: one["status"] for one in api.get(URL).json()["results"]}
    assert listed == {"Everything": "active", "Other": "paused"}


@pytest.mark.parametrize(
    "body",
    [
        {"until": "2020-01-01T00:00:00Z"},
        {"until": "9999-12-31T23:59:59Z"},
        {"until": "9999-12-31T23:59:59-23:59"},
        {"until": "2027-01-01T00:00:00"},
        {"until": "tomorrow"},
        {"until": 1},
        {"until": ["2027-01-01T00:00:00Z"]},
        {"reason": "x" * 201},
        {"reason": "a\nb"},
        {"why": "x"},
    ],
)
def test_a_wrong_body_pauses_nothing(api: APIClient, other: Issued, body: dict[str, Any]) -> None:
    response = api.post(at(other, "pause"), body)
    assert response.status_code == 400
    assert response.json()["fields"].keys() == body.keys()
    assert ServiceAccountToken.objects.get(pk=other.token.pk).paused_at is None


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_revoked_token_is_a_conflict(api: APIClient, other: Issued, action: str) -> None:
    api.delete(f"{URL}/{other.token.public_id}")
    response = api.post(at(other, action))
    assert (response.status_code, response.json()["code"]) == (409, "token_not_active")


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_each_needs_the_permission_to_manage(owner: Membership, other: Issued, action: str) -> None:
    response = program(make_token(owner, permissions=["tokens.view"])).post(at(other, action))
    assert (response.status_code, response.json()["required"]) == (403, ["tokens.manage"])


def test_a_token_may_pause_itself_and_not_resume(api: APIClient, issued: Issued) -> None:
    assert api.post(at(issued, "pause")).status_code == 200
    assert api.post(at(issued, "resume")).json()["code"] == "token_paused"


WAYS = ["/api/auth/whoami", "/api/v1/tokens", "/api/auth/verify", "/api/auth/verify/envoy"]


@pytest.mark.parametrize("until", [None, timedelta(hours=1)])
def test_every_way_of_use_is_refused_with_the_end(
    api: APIClient, owner: Membership, other: Issued, until: timedelta | None
) -> None:
    end = instant(timezone.now() + until) if until else None
    refusal = {"error": "API key is paused", "code": "token_paused", "paused_until": end}
    for way in WAYS:
        # Cached, so that the pause must reach the cache.
        program(other).get(way)
    api.post(at(other, "pause"), {"until": end})
    for way in WAYS:
        response = program(other).get(way)
        assert (response.status_code, response.json()) == (401, refusal), way
        assert response["WWW-Authenticate"] == 'Bearer realm="tessera", error="invalid_token"'
    nginx = program(other).get("/api/auth/verify/nginx")
    assert (nginx.status_code, nginx["X-Tessera-Status"]) == (401, "401")
    assert nginx.json() == refusal
    assert '"code": "token_paused"' in nginx["X-Tessera-Body"]
    introspected = ask("/v1/auth/introspect", token=other.plaintext, **make_program(owner).body)
    assert introspected.json() == {"active": False}


def test_a_pause_needs_a_bearer(other: Issued) -> None:
    response = Client().post(at(other, "pause"))
    assert (response.status_code, response.json()["code"]) == (401, "credential_required")


def test_the_audit_log_names_the_program_that_paused(
    api: APIClient, owner: Membership, other: Issued
) -> None:
    api.post(at(other, "pause"), {"reason": "Is it needed?"})
    assert changes(owner.organization, "token.paused") == [{"pausedReason": [None, "Is it needed?"]}]
    [event] = api.get("/api/v1/audit-events?action=token.paused").json()["results"]
    assert event["actor"]["name"] == "Everything"
    assert event["target"]["id"] == other.token.public_id


def test_the_report_counts_what_was_refused_during_the_pause(
    api: APIClient, owner: Membership, other: Issued
) -> None:
    assert api.get(at(other, "pause")).json() == {
        "pausedAt": None,
        "pausedUntil": None,
        "endedAt": None,
        "countedSince": None,
        "reason": None,
        "calls": 0,
        "addresses": [],
    }
    record = api.post(at(other, "pause"), {"reason": "Is it needed?"}).json()
    for _ in range(2):
        assert program(other).get("/api/auth/whoami").status_code == 401
    viewer = program(make_token(owner, permissions=["tokens.view"]))
    report = viewer.get(at(other, "pause")).json()
    [address] = report["addresses"]
    assert (address["address"], address["calls"]) == ("127.0.0.1", 2)
    assert address["lastAt"] > record["pausedAt"]
    assert (report["calls"], report["reason"]) == (2, "Is it needed?")
    assert (report["pausedAt"], report["endedAt"]) == (record["pausedAt"], None)
    api.post(at(other, "resume"))
    resumed = api.get(at(other, "pause")).json()
    assert resumed == report | {"endedAt": resumed["endedAt"]}
    assert resumed["endedAt"] > record["pausedAt"]
