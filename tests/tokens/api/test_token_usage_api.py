"""GET /api/v1/tokens/{id}/usage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership
from ratelimit.models import DailyStatistics
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.usage import did, outcomes, used
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ZERO = {"calls": 0, "refused": 0, "ok": 0, "clientErrors": 0, "serverErrors": 0, "p50Ms": None, "p95Ms": None}


@pytest.fixture
def token(owner: Membership) -> ServiceAccountToken:
    return make_token(owner, "Busy").token


def report(api: APIClient, token: ServiceAccountToken, **query: str) -> dict[str, Any]:
    response = api.get(f"/api/v1/tokens/{token.public_id}/usage", query)
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_each_day_has_exact_counts_and_the_statistics_of_its_hours(
    api: APIClient, token: ServiceAccountToken
) -> None:
    used(token, NOON, 10, refused=2)
    used(token, NOON + HOUR, 5)
    used(token, NOON + DAY, 1)
    did(token, NOON, outcomes({10: 6, 100: 4}, ok=6, denied=2, invalid=1, failed=1))
    did(token, NOON + HOUR, outcomes({1: 5}, ok=5))
    body = report(api, token, **{"from": "2026-03-09", "to": "2026-03-11"})
    assert body["series"] == [
        {"at": "2026-03-09T00:00:00.000Z", **ZERO},
        {
            "at": "2026-03-10T00:00:00.000Z",
            "calls": 15,
            "refused": 2,
            "ok": 11,
            "clientErrors": 3,
            "serverErrors": 1,
            "p50Ms": 8.2,
            "p95Ms": 94.4,
        },
        {"at": "2026-03-11T00:00:00.000Z", **ZERO, "calls": 1},
    ]


def test_each_hour_has_its_own_counts(api: APIClient, token: ServiceAccountToken) -> None:
    used(token, NOON, 10, refused=2)
    used(token, NOON + HOUR, 5)
    did(token, NOON, outcomes({10: 10}, ok=9, failed=1))
    did(token, NOON + HOUR, outcomes({1: 5}, ok=5))
    series = report(api, token, by="hour", **{"from": "2026-03-10", "to": "2026-03-10"})["series"]
    assert [one["at"][11:16] for one in series] == [f"{hour:02}:00" for hour in range(24)]
    found = [(one["calls"], one["refused"], one["ok"], one["serverErrors"]) for one in series]
    assert found[12:14] == [(10, 2, 9, 1), (5, 0, 5, 0)]
    assert {k: v for k, v in series[14].items() if k != "at"} == ZERO


def test_names_are_listed_busiest_first_and_the_rest_last(api: APIClient, token: ServiceAccountToken) -> None:
    did(
        token,
        NOON,
        permissions={"index:read:7": 3, "": 90, "index:write:7": 4},
        networks={"203.0.113.0/24": 7, "": 1},
        methods={"GET index-list": 3, "": 90, "POST index:write:7 events:read:*": 4},
    )
    did(
        token,
        NOON + DAY,
        permissions={"index:read:7": 5},
        networks={"203.0.113.0/24": 5, "2001:db8::/48": 20},
    )
    body = report(api, token, **{"from": "2026-03-10", "to": "2026-03-11"})
    first, last = "2026-03-10T12:30:00.000Z", "2026-03-11T12:30:00.000Z"
    assert body["permissions"] == [
        {"permission": "index:read:7", "calls": 8, "lastUsedAt": last},
        {"permission": "index:write:7", "calls": 4, "lastUsedAt": first},
        {"permission": "other", "calls": 90, "lastUsedAt": first},
    ]
    assert body["networks"] == [
        {"network": "2001:db8::/48", "calls": 20, "firstSeenAt": last, "lastSeenAt": last},
        {"network": "203.0.113.0/24", "calls": 12, "firstSeenAt": first, "lastSeenAt": last},
        {"network": "other", "calls": 1, "firstSeenAt": first, "lastSeenAt": first},
    ]
    assert body["methods"] == [
        {"route": "index:write:7 events:read:*", "method": "POST", "calls": 4},
        {"route": "index-list", "method": "GET", "calls": 3},
        {"route": "other", "method": "other", "calls": 90},
    ]


def test_fifty_networks_are_named(api: APIClient, token: ServiceAccountToken) -> None:
    for days in (0, 1):
        did(token, NOON - days * DAY, networks={f"10.{days}.{number}.0/24": 9 for number in range(40)})
    did(token, NOON - 2 * DAY, networks={"": 5, "192.0.2.0/24": 10})
    networks = report(api, token, to="2026-03-10")["networks"]
    assert len(networks) == 51
    assert [one["calls"] for one in networks[:2]] == [10, 9]
    assert networks[-1] == {
        "network": "other",
        "calls": 31 * 9 + 5,
        "firstSeenAt": "2026-03-08T12:30:00.000Z",
        "lastSeenAt": "2026-03-09T12:30:00.000Z",
    }


@pytest.mark.parametrize(
    ("query", "first", "last", "number"),
    [
        ({}, "2026-02-09T00", "2026-03-10T00", 30),
        ({"by": "hour"}, "2026-03-04T00", "2026-03-10T23", 168),
        ({"by": "day", "from": "2025-12-11"}, "2025-12-11T00", "2026-03-10T00", 90),
        ({"by": "hour", "to": "0001-01-02"}, "0001-01-01T00", "0001-01-02T23", 48),
        ({"by": "hour", "to": "9999-12-31"}, "9999-12-25T00", "9999-12-31T23", 168),
    ],
)
def test_the_range_is_30_days_or_7_days_by_hour_unless_it_is_given(
    api: APIClient, token: ServiceAccountToken, query: dict[str, str], first: str, last: str, number: int
) -> None:
    with time_machine.travel(NOON, tick=False):
        series = report(api, token, **query)["series"]
    assert (series[0]["at"][:13], series[-1]["at"][:13], len(series)) == (first, last, number)


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ({"from": "2026-01-01", "to": "2026-04-01"}, "from", "A token’s report covers at most 90 days."),
        (
            {"by": "hour", "from": "2026-03-01", "to": "2026-03-08"},
            "from",
            "By hour, a report covers at most 7 days.",
        ),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from", "The first day must not be after the last."),
        ({"by": "week"}, "by", '"week" is not a valid choice.'),
    ],
)
def test_a_wrong_range_is_refused_with_a_sentence(
    api: APIClient, token: ServiceAccountToken, query: dict[str, str], field: str, sentence: str
) -> None:
    response = api.get(f"/api/v1/tokens/{token.public_id}/usage", query)
    assert (response.status_code, response.json()["fields"]) == (400, {field: [sentence]})


def test_it_needs_the_permission_to_view_usage(owner: Membership, token: ServiceAccountToken) -> None:
    path = f"/api/v1/tokens/{token.public_id}/usage"
    for permission, status in (("usage.view", 200), ("tokens.view", 403)):
        assert program(make_token(owner, permissions=[permission])).get(path).status_code == status


def test_own_calls_are_counted_at_once(owner: Membership) -> None:
    issued = make_token(owner, "Self", ["usage.view"])
    for number in (1, 2):
        assert report(program(issued), issued.token)["series"][-1]["calls"] == number


def test_ninety_days_cost_as_many_queries_as_three(
    api: APIClient, token: ServiceAccountToken, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with time_machine.travel(NOON, tick=False):
        report(api, token)
        for days in range(90):
            did(token, NOON - days * DAY, permissions={f"index:read:{number}": 1 for number in range(50)})
        with django_assert_num_queries(5) as few:
            report(api, token, **{"from": "2026-03-08"})
        with django_assert_num_queries(len(few)):
            body = report(api, token, **{"from": "2025-12-11"})
    assert DailyStatistics.objects.count() == len(body["series"]) == 90
    assert len(body["permissions"]) == 50
