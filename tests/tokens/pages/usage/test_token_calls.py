"""A token's page shows what its calls did: chart, quota, permissions, networks, routes and events."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_token
from tests.support.usage import did, outcomes, used
from tokens.models import ServiceAccountToken
from tokens.pages.usage import token_calls

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HELD = ["index:read:*", "index:write:7", "usage.view"]


@pytest.fixture
def token(owner: Membership) -> ServiceAccountToken:
    return make_token(owner, "sync", HELD).token


def page(member: Membership, token: ServiceAccountToken, query: str = "") -> str:
    response = browser_of(member.user).get(f"/settings/tokens/{token.public_id}/{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_figures_are_those_of_the_api(owner: Membership, token: ServiceAccountToken) -> None:
    now = timezone.now()
    used(token, now - DAY, 1234, refused=5)
    used(token, now - 2 * DAY, 66)
    did(token, now - DAY, outcomes({10: 900, 100: 100}, ok=960, denied=20, invalid=10, failed=4))
    viewer = program(make_token(owner, permissions=["usage.view"]))
    series = viewer.get(f"/api/v1/tokens/{token.public_id}/usage").json()["series"]
    sums = {
        name: sum(one[name] for one in series)
        for name in ("calls", "refused", "clientErrors", "serverErrors")
    }
    assert sums == {"calls": 1300, "refused": 5, "clientErrors": 30, "serverErrors": 4}
    yesterday = series[-2]
    html = page(owner, token)
    assert "1,300 calls 30 client errors (4xx) 4 server errors (5xx)" in text(html)
    assert f"p50 {yesterday['p50Ms']:g} ms p95 {yesterday['p95Ms']:g} ms" in text(html)
    row = f"1,234 5 30 4 {yesterday['p50Ms']:g} ms {yesterday['p95Ms']:g} ms"
    assert row in text(html)
    assert "1,234 calls, 5 refused, 30 client errors, 4 server errors" in html


def test_the_chart_has_thirty_days_or_forty_eight_hours(
    owner: Membership, token: ServiceAccountToken
) -> None:
    now = timezone.now()
    used(token, now - 2 * HOUR, 7)
    used(token, now - 3 * DAY, 5)
    by_day, by_hour = page(owner, token), page(owner, token, "?by=hour")
    assert (by_day.count('class="room"'), by_hour.count('class="room"')) == (30, 48)
    assert "12 calls" in text(by_day)
    assert "7 calls" in text(by_hour)
    assert "Calls by hour" in by_hour
    for html, current in (
        (by_day, "30 days"),
        (by_hour, "48 hours"),
        (page(owner, token, "?by=x"), "30 days"),
    ):
        assert f'aria-current="page">{current}</a>' in html


def test_permissions_are_shown_with_the_calls_that_needed_them(
    owner: Membership, token: ServiceAccountToken
) -> None:
    now = timezone.now()
    used(token, now, 9)
    did(token, now - DAY, permissions={"index:read:1": 4, "index:read:2": 3, "index:read:9": 2, "": 5})
    did(token, now - 40 * DAY, permissions={"usage.view": 4})
    html = page(owner, token)
    assert "1 of 3 permissions used in 30 days." in text(html)
    assert "index:read:* 9 1 day ago index:write:7 0 Not used usage.view 0 Not used" in text(html)
    narrow = f"/settings/tokens/{token.public_id}/narrow/?review=1&amp;permissions=index%3Aread%3A%2A"
    assert f'href="{narrow}">Narrow to these</a>' in html


@pytest.mark.parametrize("required", [{}, {"index:read:1": 1, "index:write:7": 1, "usage.view": 1}])
def test_there_is_nothing_to_narrow_to_if_none_or_all_are_used(
    owner: Membership, token: ServiceAccountToken, required: dict[str, int]
) -> None:
    used(token, timezone.now(), 3)
    did(token, timezone.now(), permissions=required)
    html = page(owner, token)
    assert f"{len(required)} of 3 permissions used in 30 days." in text(html)
    assert "Narrow to these" not in html


def test_networks_and_routes_are_listed_with_ten_rows_until_all_are_wanted(
    owner: Membership, token: ServiceAccountToken
) -> None:
    now = timezone.now()
    used(token, now, 99)
    networks = {f"10.0.{number}.0/24": 100 - number for number in range(12)} | {"": 3}
    did(token, now - DAY, networks=networks, methods={"GET index-list": 8, "POST index:write:7": 9, "": 1})
    html, whole = page(owner, token), page(owner, token, "?by=hour&all=networks")
    assert [html.count(f"<code>10.0.{number}.0/24</code>") for number in (0, 9, 10)] == [1, 1, 0]
    assert 'href="?all=networks#networks">Show all 13<span class="hush"> networks</span></a>' in html
    assert "10.0.11.0/24 89 1 day ago 1 day ago Others 3" in text(whole)
    assert "Show all 13" not in whole
    assert "POST index:write:7 9 GET index-list 8 Others 1" in text(html)
    assert 'addresses/?act=lock">Lock to these networks</a>' in html


def test_the_quota_of_today_is_the_tokens_own_or_the_plans(owner: Membership) -> None:
    own = make_token(owner, "own", requests_per_day=7)
    shared = make_token(owner, "shared")
    for _ in range(2):
        program(own).get("/api/auth/whoami")
    remaining = program(own).get("/api/auth/whoami")["X-RateLimit-Remaining"]
    assert remaining == "4"
    assert "Its own limit today 3 of 7 resets" in text(page(owner, own.token))
    assert "Plan’s limit today 3 of 100 all programs, resets" in text(page(owner, shared.token))


def test_before_the_first_call_it_shows_how_to_call(owner: Membership, token: ServiceAccountToken) -> None:
    html = page(owner, token)
    assert "No calls yet" in html
    assert 'curl -H "Authorization: Bearer $TESSERA_TOKEN" http://testserver/api/auth/whoami' in html
    assert '<svg class="calls"' not in html
    used(token, timezone.now() - 45 * DAY, 3)
    old = page(owner, token)
    assert "No calls in the last 30 days." in old
    assert "No calls yet" not in old


def test_the_last_five_events_lead_to_all(owner: Membership, token: ServiceAccountToken) -> None:
    browser = browser_of(owner.user)
    for number in range(6):
        browser.post(
            f"/settings/tokens/{token.public_id}/edit/", {"name": f"sync-{number}", "description": ""}
        )
    html = page(owner, token)
    assert html.count('<details class="event">') == 5
    assert "sync-5" in html
    assert f'href="/settings/audit-log/?target={token.public_id}">All events</a>' in html


def test_without_the_permission_to_view_usage_the_token_itself_is_shown(
    owner: Membership, token: ServiceAccountToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(token, timezone.now(), 9)
    did(token, timezone.now(), networks={"10.0.0.0/24": 1})
    # Every role holds the permission, and so another one takes its place.
    monkeypatch.setattr(token_calls, "VIEW", "organization.manage")
    html = page(make_member(owner.organization, Role.VIEWER), token)
    for hidden in ("Plan’s limit", 'id="calls"', "10.0.0.0/24", "used in 30 days"):
        assert hidden not in html
    assert '<code class="chip">index:read:*</code>' in html


def test_a_viewer_is_offered_no_change(owner: Membership, token: ServiceAccountToken) -> None:
    used(token, timezone.now(), 9)
    did(token, timezone.now(), networks={"10.0.0.0/24": 1}, permissions={"index:read:1": 1})
    html = page(make_member(owner.organization, Role.VIEWER), token)
    assert "1 of 3 permissions used in 30 days." in text(html)
    assert "Narrow" not in html
    assert "Lock to" not in html
    assert "All events" not in html


@pytest.mark.parametrize("query", ["", "?by=hour"])
def test_three_hundred_names_cost_as_much_as_three(
    owner: Membership, token: ServiceAccountToken, query: str
) -> None:
    now = timezone.now()
    used(token, now, 3)
    browser = browser_of(owner.user)
    browser.get(f"/settings/tokens/{token.public_id}/")
    counts = []
    for days in (0, 1, 29):
        did(token, now - days * DAY, networks={f"10.{days}.{number}.0/24": 1 for number in range(100)})
        with CaptureQueriesContext(connection) as captured:
            browser.get(f"/settings/tokens/{token.public_id}/{query}")
        counts.append(len(captured))
    assert len(set(counts)) == 1
