"""Real calls of every outcome: token page, its API, usage page and file show the same figures."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.models import Membership
from ratelimit.statistics.observations import gatherer
from ratelimit.statistics.sync import StatisticsSync
from ratelimit.usage.sync import Sync
from tests.support.clients import program
from tests.support.people import browser_of, make_token
from tests.support.sessions import session_of
from tests.tokens.pages.usage.test_usage_page import CSV, lines
from tokens.service_accounts.issue import Issued

# Nine accepted calls, and two beyond the limit of the token.
OK, DENIED, INVALID, OVER = 6, 2, 1, 2
PERMISSIONS = {"tokens.view": 1, "index:read:7": 3, "index:write:7": 2}
NETWORKS = {"203.0.113.0/24": 6, "2001:db8:1::/48": 3}
ROUTES = {
    "GET api-whoami": 2,
    "GET index:read:7": 3,
    "GET index:write:7": 2,
    "GET unknown": 1,
    "GET api-tokens": 1,
}


@pytest.fixture
def driven(owner: Membership) -> Issued:
    issued = make_token(
        owner, permissions=["tokens.view", "index:read:*"], requests_per_day=OK + DENIED + INVALID
    )
    calls = [
        *[("/api/auth/verify?require=index:read:7", "203.0.113.9", 204)] * 3,
        *[("/api/auth/verify?require=index:write:7", "203.0.113.10", 403)] * 2,
        *[("/api/auth/whoami", "2001:db8:1::1", 200)] * 2,
        ("/api/v1/no-such-thing", "203.0.113.9", 404),
        ("/api/v1/tokens", "2001:db8:1:2::3", 200),
        *[("/api/auth/whoami", "203.0.113.9", 429)] * OVER,
    ]
    caller = program(issued)
    for path, address, status in calls:
        assert caller.get(path, REMOTE_ADDR=address).status_code == status
    gatherer.flush()
    return issued


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def report(owner: Membership, issued: Issued, by: str) -> dict[str, Any]:
    body = session_of(owner).get(f"/api/v1/tokens/{issued.token.public_id}/usage?by={by}").json()
    names = ("calls", "refused", "ok", "clientErrors", "serverErrors")
    return body | {"sums": [sum(one[name] for one in body["series"]) for name in names]}


@pytest.mark.parametrize("copied", [False, True])
def test_every_place_shows_the_same(owner: Membership, driven: Issued, copied: bool) -> None:
    if copied:
        Sync()()
        StatisticsSync()()
    for by in ("day", "hour"):
        body = report(owner, driven, by)
        assert body["sums"] == [OK + DENIED + INVALID, OVER, OK, DENIED + INVALID, 0]
        assert {one["permission"]: one["calls"] for one in body["permissions"]} == PERMISSIONS
        assert {one["network"]: one["calls"] for one in body["networks"]} == NETWORKS
        assert {f"{one['method']} {one['route']}": one["calls"] for one in body["methods"]} == ROUTES
    for query in ("", "?by=hour"):
        shown = text(
            browser_of(owner.user).get(f"/settings/tokens/{driven.token.public_id}/{query}").content.decode()
        )
        assert "9 calls" in shown
        assert "2 refused" in shown
        assert "3 client errors (4xx)" in shown
        for name, calls in (NETWORKS | ROUTES).items():
            assert f"{name} {calls}" in shown
    usage = session_of(owner).get("/api/v1/usage").json()
    assert [(one["calls"], one["refused"]) for one in usage["tokens"]] == [(9, OVER)]
    for query in ("by=hour", "by=day&days=7", "by=month"):
        rows = [row for row in lines(owner, f"{CSV}?{query}") if row["id"] == driven.token.public_id]
        assert [sum(int(row[column]) for row in rows) for column in ("calls", "refused")] == [9, OVER]
