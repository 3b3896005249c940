"""A Redis Cluster of three masters keeps the same promises, at the same cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from pytest_django import DjangoAssertNumQueries, Settings
from redis.crc import key_slot
from rest_framework.test import APIClient

from ratelimit.models import DailyStatistics
from ratelimit.statistics.observations import gatherer
from ratelimit.statistics.sync import StatisticsSync
from ratelimit.store import client
from ratelimit.types import LimitRequest
from ratelimit.usage import reports
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import NOON, admitted, hit, new_limit_request
from tests.ratelimit.statistics.observed import Subject
from tests.ratelimit.store.own_redis import FORGETFUL, OwnRedis, use
from tests.support.threads import at_once
from tests.support.waiting import wait_until

SLOTS = 16_384
CLUSTERED = ("--cluster-enabled", "yes", "--cluster-node-timeout", "60000")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[OwnRedis]]:
    with ExitStack() as cleanup:
        masters = [OwnRedis(tmp_path_factory.mktemp("master"), FORGETFUL + CLUSTERED) for _ in range(3)]
        for master in masters:
            cleanup.callback(master.kill)
            master.start()
        for number, master in enumerate(masters):
            first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3
            master.client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
            masters[0].client.execute_command("CLUSTER", "MEET", "127.0.0.1", master.port)
        wait_until(lambda: all(is_whole(master) for master in masters))
        yield masters


def is_whole(master: OwnRedis) -> bool:
    state = master.client.execute_command("CLUSTER", "INFO")
    return "cluster_state:ok" in str(state) and "cluster_known_nodes:3" in str(state)


@pytest.fixture
def masters(running: list[OwnRedis], settings: Settings) -> list[OwnRedis]:
    for master in running:
        master.client.flushall()
    use(running[0].url, settings)
    client.cluster().close_breakers()
    return running


def keys(masters: list[OwnRedis]) -> list[set[str]]:
    return [set(master.client.keys("*")) for master in masters]


def number_of(limit_request: LimitRequest) -> int:
    """Which of the masters keeps an organization."""
    return key_slot(f"{{{limit_request.bucket.hex}}}".encode()) * 3 // SLOTS


def limit_request_for(number: int, requests_per_day: int = 10) -> LimitRequest:
    while True:
        limit_request = new_limit_request(requests_per_day)
        if number_of(limit_request) == number:
            return limit_request


def test_a_warm_request_costs_no_statement_and_one_round_trip(
    masters: list[OwnRedis],
    api: APIClient,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(3):
        assert api.get("/api/auth/whoami").status_code == 200
    round_trips.clear()
    with django_assert_num_queries(0):
        assert api.get("/api/auth/whoami").status_code == 200
    # 1: EVALSHA of decide.lua, at the master of the organization's slot
    assert len(round_trips) == 1


def test_each_organization_is_kept_in_one_slot_and_all_masters_are_used(masters: list[OwnRedis]) -> None:
    limit_requests = [limit_request_for(number) for number in (0, 1, 2)]
    for limit_request in limit_requests:
        assert admitted(limit_request, 12) == 10
    for number, limit_request in enumerate(limit_requests):
        mine = {key for found in keys(masters) for key in found if limit_request.bucket.hex in key}
        assert len(mine) >= 2
        assert mine <= keys(masters)[number]
        assert len({key_slot(key.encode()) for key in mine}) == 1


def test_limits_are_exact_for_all_organizations_at_once(masters: list[OwnRedis]) -> None:
    limit_requests = [limit_request_for(number) for number in (0, 1, 2)]
    results = at_once([partial(hit, limit_request) for limit_request in limit_requests for _ in range(15)])
    assert sum(one.admitted for one in results) == 30
    assert [admitted(limit_request, 3) for limit_request in limit_requests] == [0, 0, 0]


def test_usage_of_every_master_is_stored(masters: list[OwnRedis]) -> None:
    limit_requests = [limit_request_for(number) for number in (0, 1, 2)]
    for limit_request in limit_requests:
        hit(limit_request)
    Sync()(now=NOON)
    for master in masters:
        master.client.flushall()
    day = NOON.date()
    for limit_request in limit_requests:
        assert [one.calls for one in reports.by_day(limit_request.bucket, day, day)] == [1]


def test_statistics_of_every_master_are_added_and_stored(masters: list[OwnRedis]) -> None:
    subjects = [Subject(limit_request_for(number).bucket) for number in (0, 1, 2, 0)]
    for one in (*subjects, *subjects):
        gatherer.observe(one.seen())
    gatherer.flush()
    assert [one.report().outcomes.ok for one in subjects] == [2, 2, 2, 2]
    assert StatisticsSync()(now=NOON) == 4
    for master in masters:
        master.client.flushall()
    assert [one.report().outcomes.ok for one in subjects] == [2, 2, 2, 2]


def test_a_slot_that_moves_is_followed(masters: list[OwnRedis]) -> None:
    limit_request = limit_request_for(0, requests_per_day=1_000)
    assert admitted(limit_request, 30) == 30
    move(key_slot(f"{{{limit_request.bucket.hex}}}".encode()), masters[0], masters[1], masters)
    # Another server has another run id: what is left of the block in hand, 1/50 of the day, is forfeited.
    assert admitted(limit_request, 1_000) >= 1_000 - 30 - 20
    assert admitted(limit_request, 5) == 0
    assert any(limit_request.bucket.hex in key for key in keys(masters)[1])


def test_a_master_that_is_away_costs_its_own_organizations_the_store_alone(
    masters: list[OwnRedis], settings: Settings
) -> None:
    # One request waits for it in vain, and not each.
    settings.REDIS_BREAKER_SECONDS = 3600.0
    away, there = limit_request_for(2), limit_request_for(1)
    assert admitted(away, 4) == admitted(there, 4) == 4
    masters[2].pause()
    try:
        # A block of this limit is one request, so that none is forfeited.
        assert admitted(away, 10) == 6
        assert admitted(there, 10) == 6
        assert any(there.bucket.hex in key for key in keys(masters[:2])[1])
        # Of statistics as well: none is added twice.
        subjects = [Subject(away.bucket), Subject(there.bucket)]
        for one in subjects:
            gatherer.observe(one.seen())
        gatherer.flush()
        assert DailyStatistics.objects.values_list("subject", flat=True).get() == subjects[0].subject
    finally:
        masters[2].resume()


def move(slot: int, source: OwnRedis, target: OwnRedis, masters: list[OwnRedis]) -> None:
    names = {one: one.client.execute_command("CLUSTER", "MYID") for one in (source, target)}
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
    source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
    moving = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
    for key in moving:
        source.client.execute_command("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
    for one in masters:
        one.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])
