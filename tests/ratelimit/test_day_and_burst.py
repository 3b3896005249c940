"""The day and a short window are decided together: a refusal by one charges neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from ratelimit.types import FixedWindow
from tests.ratelimit.limit_requests import NOON, admitted, another_subject, hit, new_limit_request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]


def test_a_burst_refusal_charges_no_day() -> None:
    limit_request = new_limit_request(10, burst=3)
    assert admitted(limit_request, 9) == 3
    refused = hit(limit_request)
    daily, burst = refused.quotas
    assert (daily.remaining, burst.remaining) == (7, 0)
    assert 0 < refused.retry_after <= 60
    assert admitted(replace(limit_request, window=None), 20) == 7


def test_a_daily_refusal_charges_no_burst() -> None:
    limit_request = new_limit_request(2, burst=5)
    assert admitted(limit_request, 8) == 2
    refused = hit(limit_request)
    daily, burst = refused.quotas
    assert (daily.remaining, burst.remaining) == (0, 3)
    assert refused.retry_after == 12 * 3600
    assert admitted(replace(limit_request, requests_per_day=None), 8) == 3


def test_the_burst_is_shared_by_an_organization_and_by_nobody_else() -> None:
    limit_request = new_limit_request(None, burst=4)
    assert admitted(limit_request, 3) + admitted(another_subject(limit_request), 3) == 4
    assert admitted(new_limit_request(None, burst=4), 3) == 3


def test_a_burst_begins_with_its_first_request_and_ends_a_window_later(
    backend: str, redis_client: redis.Redis
) -> None:
    limit_request = new_limit_request(None, burst=2)
    assert admitted(limit_request, 3) == 2
    if backend == "redis":
        key = f"tsr:w:burst:{limit_request.bucket.hex}"
        assert 0 < redis_client.pttl(key) <= 60_000
        redis_client.delete(key)
    assert admitted(limit_request, 3, NOON + timedelta(seconds=60)) == 2


def test_a_session_is_held_to_its_own_window_and_charged_to_no_plan() -> None:
    plan = new_limit_request(5)
    window = FixedWindow("session", "session:1", limit=2)
    session = replace(another_subject(plan), window=window, charged=False)
    decisions = [hit(session) for _ in range(3)]
    assert [one.admitted for one in decisions] == [True, True, False]
    assert [(q.name, q.limit, q.seconds, q.remaining) for q in decisions[0].quotas] == [("session", 2, 60, 1)]
    other = replace(session, window=replace(window, key="session:2"))
    assert hit(other).admitted
    assert hit(plan).quotas[0].remaining == 4
