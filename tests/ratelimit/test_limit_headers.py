"""The limit headers of every answer to an authenticated request, read as the standards say."""

from __future__ import annotations

import time
from typing import Any

import http_sf
import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from ratelimit.models import Plan
from ratelimit.usage import reports
from tests.support.clients import program
from tests.support.people import make_plan, make_token
from tokens.models import ServiceAccountToken, TokenSecret

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]
WHOAMI = "/api/auth/whoami"
DAY = 86_400


def on_plan(owner: Membership, requests_per_day: int | None, burst: int | None = None) -> Plan:
    plan = make_plan(f"plan-{requests_per_day}-{burst}", requests_per_day)
    Plan.objects.filter(pk=plan.pk).update(burst_per_minute=burst)
    Organization.objects.filter(pk=owner.organization_id).update(plan=plan)
    return plan


def limited(owner: Membership, requests_per_day: int) -> APIClient:
    """A program whose token has a limit of its own."""
    issued = make_token(owner)
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(requests_per_day=requests_per_day)
    return program(issued)


def fields(response: Any, name: str) -> dict[str, dict[str, int]]:
    """A List of Strings with parameters (RFC 9651), by the strings."""
    return dict(http_sf.parse(response[name].encode(), tltype="list"))


def test_the_first_request_of_the_day_leaves_one_less(api: APIClient, owner: Membership) -> None:
    on_plan(owner, 1000)
    before = time.time()
    response = api.get(WHOAMI)
    assert response.status_code == 200
    assert response["X-RateLimit-Limit"] == "1000"
    assert response["X-RateLimit-Remaining"] == "999"
    assert response["X-RateLimit-Reset"] == str((int(before) // DAY + 1) * DAY)
    assert fields(response, "RateLimit-Policy") == {"daily": {"q": 1000, "w": DAY}}
    daily = fields(response, "RateLimit")["daily"]
    assert daily["r"] == 999
    assert before - 1 <= int(response["X-RateLimit-Reset"]) - daily["t"] <= time.time() + 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", WHOAMI, 200),
        ("get", "/api/v1/tokens", 403),
        ("get", "/api/nothing", 404),
        ("post", WHOAMI, 405),
    ],
)
def test_every_answer_to_a_good_credential_is_charged_and_says_so(
    owner: Membership, method: str, path: str, status: int
) -> None:
    api = program(make_token(owner, permissions=["index:read:*"]))
    api.get(WHOAMI)
    response = getattr(api, method)(path)
    assert response.status_code == status
    assert response["X-RateLimit-Remaining"] == "98"
    assert fields(response, "RateLimit")["daily"]["r"] == 98


def test_a_refusal_says_how_long_to_wait(api: APIClient, owner: Membership) -> None:
    on_plan(owner, 1)
    api.get(WHOAMI)
    before = time.time()
    response = api.get(WHOAMI)
    assert response.status_code == 429
    wait = int(response["Retry-After"])
    assert response.json() == {"error": "Rate limit exceeded", "code": "rate_limited", "retry_after": wait}
    assert 0 < wait <= DAY
    assert wait >= fields(response, "RateLimit")["daily"]["t"]
    assert response["X-RateLimit-Remaining"] == "0"
    assert response["X-RateLimit-Limit"] == "1"
    assert before - 1 <= int(response["X-RateLimit-Reset"]) - wait <= time.time() + 1
    assert "no-store" in response["Cache-Control"]
    assert response["Content-Type"] == "application/json"


def test_an_unlimited_plan_sends_no_number(api: APIClient, owner: Membership) -> None:
    on_plan(owner, None)
    response = api.get(WHOAMI)
    assert response.status_code == 200
    assert not [name for name in response.headers if "ratelimit" in name.lower()]


def test_an_unlimited_plan_with_a_burst_announces_the_burst_alone(api: APIClient, owner: Membership) -> None:
    on_plan(owner, None, burst=2)
    response = api.get(WHOAMI)
    assert fields(response, "RateLimit-Policy") == {"burst": {"q": 2, "w": 60}}
    assert fields(response, "RateLimit")["burst"]["r"] == 1
    assert "X-RateLimit-Limit" not in response.headers
    api.get(WHOAMI)
    refused = api.get(WHOAMI)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60


def test_a_plan_with_both_announces_both(api: APIClient, owner: Membership) -> None:
    on_plan(owner, 100, burst=10)
    response = api.get(WHOAMI)
    assert fields(response, "RateLimit-Policy") == {
        "daily": {"q": 100, "w": DAY},
        "burst": {"q": 10, "w": 60},
    }
    assert {name: item["r"] for name, item in fields(response, "RateLimit").items()} == {
        "daily": 99,
        "burst": 9,
    }


@pytest.mark.parametrize(("own", "least"), [(50, 49), (500, 99)])
def test_a_token_with_a_limit_of_its_own_announces_both(owner: Membership, own: int, least: int) -> None:
    on_plan(owner, 100)
    response = limited(owner, own).get(WHOAMI)
    assert fields(response, "RateLimit-Policy") == {
        "daily": {"q": 100, "w": DAY},
        "token": {"q": own, "w": DAY},
    }
    assert {name: item["r"] for name, item in fields(response, "RateLimit").items()} == {
        "daily": 99,
        "token": own - 1,
    }
    assert response["X-RateLimit-Limit"] == str(least + 1)
    assert response["X-RateLimit-Remaining"] == str(least)
    assert int(response["X-RateLimit-Reset"]) % DAY == 0


def test_an_unlimited_plan_announces_the_tokens_limit_alone(owner: Membership) -> None:
    on_plan(owner, None)
    response = limited(owner, 5).get(WHOAMI)
    assert fields(response, "RateLimit-Policy") == {"token": {"q": 5, "w": DAY}}
    assert fields(response, "RateLimit")["token"]["r"] == 4
    assert (response["X-RateLimit-Limit"], response["X-RateLimit-Remaining"]) == ("5", "4")


def test_a_token_over_its_own_limit_waits_for_midnight_and_the_others_go_on(
    api: APIClient, owner: Membership
) -> None:
    on_plan(owner, 100)
    own = limited(owner, 1)
    assert own.get(WHOAMI).status_code == 200
    refused = own.get(WHOAMI)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert (refused["X-RateLimit-Limit"], refused["X-RateLimit-Remaining"]) == ("1", "0")
    assert int(refused["Retry-After"]) >= fields(refused, "RateLimit")["token"]["t"]
    assert api.get(WHOAMI)["X-RateLimit-Remaining"] == "98"


def test_both_secrets_of_a_rotated_token_share_its_limit(owner: Membership) -> None:
    on_plan(owner, 100)
    issued, other = make_token(owner), make_token(owner)
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(requests_per_day=10)
    TokenSecret.objects.filter(token=other.token).update(token=issued.token, is_counted=True)
    remaining = [program(one).get(WHOAMI)["X-RateLimit-Remaining"] for one in (issued, other, issued)]
    assert remaining == ["9", "8", "7"]
    [counted] = reports.by_key(owner.organization_id, issued.token.pk).values()
    assert counted.calls == 1


def test_an_organizations_own_number_goes_before_the_plans(api: APIClient, owner: Membership) -> None:
    Organization.objects.filter(pk=owner.organization_id).update(requests_per_day=7)
    assert api.get(WHOAMI)["X-RateLimit-Limit"] == "7"


def test_the_organizations_tokens_count_down_together(api: APIClient, owner: Membership) -> None:
    second = program(make_token(owner))
    assert api.get(WHOAMI)["X-RateLimit-Remaining"] == "99"
    assert second.get(WHOAMI)["X-RateLimit-Remaining"] == "98"


def test_a_refused_credential_is_told_no_number(api: APIClient) -> None:
    response = program("tsr_sa_" + "0" * 43).get(WHOAMI)
    assert response.status_code == 401
    assert not [name for name in response.headers if "ratelimit" in name.lower()]
    assert api.get(WHOAMI)["X-RateLimit-Remaining"] == "99"
