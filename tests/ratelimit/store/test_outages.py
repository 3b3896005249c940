"""Limits through outages: never one request over, at most one block under for each loss of the store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Organization
from ratelimit import limiter
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from ratelimit.types import FixedWindow, LimitRequest, SubjectLimit
from tests.ratelimit.limit_requests import admitted, hit, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis, use
from tests.support.clients import program
from tokens.crypto import opaque

pytestmark = pytest.mark.django_db
LIMIT = 200
BLOCK = LIMIT // BLOCKS_PER_DAY


@pytest.fixture(params=["plan", "token"])
def limit_request(request: pytest.FixtureRequest) -> LimitRequest:
    """The limit is the plan's, or the token's within a wider plan."""
    if request.param == "plan":
        return new_limit_request(LIMIT)
    return replace(new_limit_request(5 * LIMIT), subject_limit=SubjectLimit("token", LIMIT))


def test_a_store_that_dies_leaves_sql_to_admit_the_rest(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    before = admitted(limit_request, 50)
    own_redis.kill()
    after = admitted(limit_request, LIMIT)
    assert before == 50
    assert LIMIT - BLOCK <= before + after <= LIMIT


def test_a_store_that_hangs_is_done_without(own_redis: OwnRedis, limit_request: LimitRequest) -> None:
    before = admitted(limit_request, 50)
    own_redis.pause()
    during = admitted(limit_request, 3)
    own_redis.resume()
    after = admitted(limit_request, LIMIT)
    assert during == 3
    # What the hanging store did in the end was charged twice, once by itself and once in SQL.
    assert LIMIT - BLOCK - during <= before + during + after <= LIMIT


@pytest.mark.parametrize("used", [1, 3, 4, 50, 51])
def test_a_store_that_comes_back_as_it_was_loses_nothing(
    own_redis: OwnRedis, limit_request: LimitRequest, settings: Settings, used: int
) -> None:
    count = admitted(limit_request, used)
    use("redis://127.0.0.1:1/0", settings)
    count += admitted(limit_request, 31)
    use(own_redis.url, settings)
    count += admitted(limit_request, LIMIT)
    assert count == LIMIT


def test_a_flushed_store_forfeits_at_most_the_block_in_hand(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    count = admitted(limit_request, 50)
    own_redis.client.flushall()
    count += admitted(limit_request, LIMIT)
    assert LIMIT - BLOCK <= count <= LIMIT


def test_every_loss_forfeits_at_most_one_block(own_redis: OwnRedis, limit_request: LimitRequest) -> None:
    count = 0
    for _ in range(5):
        count += admitted(limit_request, 21)
        own_redis.client.flushall()
    count += admitted(limit_request, LIMIT)
    assert LIMIT - 5 * BLOCK <= count <= LIMIT


def test_a_store_restarted_with_an_older_snapshot_admits_nothing_twice(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    count = admitted(limit_request, 41)
    own_redis.snapshot()
    count += admitted(limit_request, 2)
    own_redis.restart_from_snapshot()
    count += admitted(limit_request, LIMIT)
    assert LIMIT - BLOCK <= count <= LIMIT


def test_a_store_restarted_with_a_snapshot_of_a_spent_day_admits_nothing(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    admitted(limit_request, 30)
    own_redis.snapshot()
    assert admitted(limit_request, LIMIT) == LIMIT - 30
    own_redis.restart_from_snapshot()
    assert admitted(limit_request, 10) == 0


def test_a_store_that_lost_its_scripts_is_sent_them_again(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    assert admitted(limit_request, 10) == 10
    own_redis.client.script_flush()
    assert admitted(limit_request, LIMIT) == LIMIT - 10


def test_a_store_out_of_memory_is_done_without(own_redis: OwnRedis, limit_request: LimitRequest) -> None:
    assert admitted(limit_request, 10) == 10
    own_redis.client.config_set("maxmemory", 1)
    assert admitted(limit_request, 5) == 5
    own_redis.client.config_set("maxmemory", 0)
    assert admitted(limit_request, LIMIT) == LIMIT - 15


def test_a_store_turned_read_only_is_done_without(own_redis: OwnRedis, limit_request: LimitRequest) -> None:
    assert admitted(limit_request, 10) == 10
    own_redis.client.replicaof("127.0.0.1", 1)
    assert admitted(limit_request, 5) == 5
    own_redis.client.replicaof("NO", "ONE")
    # A promotion ends the epoch, whatever became of the data meanwhile.
    assert LIMIT - BLOCK <= 15 + admitted(limit_request, LIMIT) <= LIMIT


def test_the_headers_count_on_through_an_outage(own_redis: OwnRedis, limit_request: LimitRequest) -> None:
    admitted(limit_request, 10)
    own_redis.kill()
    # Of the block in hand the store alone knew how much was left.
    assert hit(limit_request).quotas[-1].remaining == LIMIT - 3 * BLOCK - 1


def test_short_limits_go_on_in_sql(own_redis: OwnRedis) -> None:
    window = FixedWindow("sign-in", "sign-in:somebody", 3)
    own_redis.kill()
    assert [limiter.hit_window(window)[0] for _ in range(5)] == [True] * 3 + [False] * 2


def test_identity_is_verified_while_the_store_is_away(own_redis: OwnRedis, api: APIClient) -> None:
    own_redis.kill()
    response = api.get("/api/auth/whoami")
    assert response.status_code == 200
    assert response["X-RateLimit-Remaining"] == "99"
    assert program(opaque.new().plaintext).get("/api/auth/whoami").status_code == 401


def test_the_limit_holds_while_the_store_is_away(own_redis: OwnRedis, api: APIClient) -> None:
    Organization.objects.update(requests_per_day=2)
    own_redis.kill()
    assert [api.get("/api/auth/whoami").status_code for _ in range(4)] == [200, 200, 429, 429]


def test_a_store_that_was_long_away_is_used_again(own_redis: OwnRedis) -> None:
    limit_request = new_limit_request(1_000)
    own_redis.kill()
    # More failures than a pool would ever make connections.
    admitted(limit_request, 150)
    own_redis.start()
    assert admitted(limit_request, 1) == 1
    assert own_redis.client.exists(f"tsr:{{{limit_request.bucket.hex}}}:meter")
