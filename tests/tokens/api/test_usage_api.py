"""GET /api/v1/usage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import typeid
from accounts.models import Membership
from ratelimit.models import DailyUsage
from tests.support.clients import program
from tests.support.people import make_member, make_plan, make_token
from tests.tokens.oauth.calls import make_program
from tokens.models import OAuthClient
from tokens.service_accounts.issue import Issued

URL = "/api/v1/usage"


def used(issued: Issued, day: str, calls: int, refused: int = 0) -> None:
    DailyUsage.objects.create(
        bucket=issued.token.organization_id,
        subject=issued.token.pk,
        day=date.fromisoformat(day),
        calls=calls,
        refused=refused,
    )


def test_days_and_tokens_add_up(api: APIClient, issued: Issued, owner: Membership) -> None:
    busy = make_token(owner, "Busy")
    used(issued, "2026-03-01", 2)
    used(busy, "2026-03-01", 5, refused=1)
    used(busy, "2026-03-03", 7)
    used(busy, "2026-03-04", 100)
    used(make_token(make_member()), "2026-03-01", 1000)
    body = api.get(URL, {"from": "2026-03-01", "to": "2026-03-03"}).json()
    everything, program_ = issued.token.public_id, busy.token.public_id
    assert (body["from"], body["to"]) == ("2026-03-01", "2026-03-03")
    assert (body["calls"], body["refused"]) == (14, 1)
    assert body["tokens"] == [
        {"id": program_, "name": "Busy", "calls": 12, "refused": 1},
        {"id": everything, "name": "Everything", "calls": 2, "refused": 0},
    ]
    assert [(day["date"], day["calls"], day["refused"]) for day in body["days"]] == [
        ("2026-03-01", 7, 1),
        ("2026-03-02", 0, 0),
        ("2026-03-03", 7, 0),
    ]
    first = {row["id"]: row["calls"] for row in body["days"][0]["tokens"]}
    assert first == {everything: 2, program_: 5}
    assert body["days"][1]["tokens"] == []


def test_the_last_thirty_days_are_the_default_and_this_call_counts(api: APIClient) -> None:
    body = api.get(URL).json()
    today = timezone.now().astimezone(UTC).date()
    assert (body["from"], body["to"]) == (str(today - timedelta(days=29)), str(today))
    assert len(body["days"]) == 30
    assert body["days"][-1]["calls"] == body["calls"] == 1


def test_today_says_what_the_headers_say(api: APIClient, owner: Membership) -> None:
    api.get(URL)
    response = api.get(URL)
    reset = datetime.fromtimestamp(int(response["X-RateLimit-Reset"]), UTC)
    assert response.json()["today"] == {
        "limit": 100,
        "used": 2,
        "remaining": int(response["X-RateLimit-Remaining"]),
        "resetsAt": reset.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }
    owner.organization.plan = make_plan("enterprise", None)
    owner.organization.save()
    unlimited = api.get(URL).json()["today"]
    assert (unlimited["limit"], unlimited["remaining"]) == (None, None)


def test_clients_and_people_are_counted_apart_and_everything_adds_up(
    api: APIClient, issued: Issued, owner: Membership
) -> None:
    importer = make_program(owner, name="Importer")
    client = OAuthClient.objects.get(name="Importer")
    used(issued, "2026-03-01", 2)
    for subject, calls, refused in ((client.pk, 5, 1), (owner.user_id, 3, 0), (typeid.new(), 4, 2)):
        DailyUsage.objects.create(
            bucket=owner.organization_id,
            subject=subject,
            day=date(2026, 3, 1),
            calls=calls,
            refused=refused,
        )
    body = api.get(URL, {"from": "2026-03-01", "to": "2026-03-02"}).json()
    assert (body["calls"], body["refused"]) == (14, 3)
    assert body["clients"] == [{"id": importer.id, "name": "Importer", "calls": 5, "refused": 1}]
    assert body["people"] == {"calls": 7, "refused": 2}
    first, second = body["days"]
    assert first["clients"] == [{"id": importer.id, "calls": 5, "refused": 1}]
    assert first["people"] == {"calls": 7, "refused": 2}
    assert (second["clients"], second["people"]) == ([], {"calls": 0, "refused": 0})


@time_machine.travel(datetime(2026, 3, 31, 23, 30, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({"to": "2026-01-31"}, ("2026-01-02", "2026-01-31")),
        ({"from": "2026-03-30"}, ("2026-03-30", "2026-03-31")),
        ({"from": "2026-03-31", "to": "2026-03-31"}, ("2026-03-31", "2026-03-31")),
        ({"from": "2025-03-31", "to": "2026-03-31"}, ("2025-03-31", "2026-03-31")),
        ({"to": "0001-01-05"}, ("0001-01-01", "0001-01-05")),
        ({"to": "9999-12-31"}, ("9999-12-02", "9999-12-31")),
    ],
)
def test_a_missing_end_is_filled_in(api: APIClient, query: dict[str, str], days: tuple[str, str]) -> None:
    body = api.get(URL, query).json()
    assert (body["from"], body["to"]) == days


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "20260301", "2026-W09-7", "2026-3-1", "1.3.2026", "now", "٢"]
)
def test_a_date_that_cannot_be_is_named(api: APIClient, text: str) -> None:
    for name in ("from", "to"):
        response = api.get(URL, {name: text})
        assert response.status_code == 400, response.json()
        assert response.json()["fields"].keys() == {name}


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2025-03-01", "to": "2026-03-02"},
        {"from": "9999-01-01"},
    ],
)
def test_a_range_that_is_empty_or_longer_than_a_year_is_refused(
    api: APIClient, query: dict[str, str]
) -> None:
    response = api.get(URL, query)
    assert response.status_code == 400
    assert response.json()["fields"].keys() == {"from"}


def test_usage_needs_its_permission(owner: Membership) -> None:
    response = program(make_token(owner, permissions=["tokens.view"])).get(URL)
    assert (response.status_code, response.json()["required"]) == (403, ["usage.view"])
