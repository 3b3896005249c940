"""A replica that missed writes is promoted, and demoted again: its old data admits no request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Organization
from accounts.permissions.actor import SYSTEM
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from ratelimit.store import connections
from ratelimit.types import LimitRequest, SubjectLimit
from tests.ratelimit.limit_requests import admitted, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis, use
from tests.support.waiting import wait_until
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db(transaction=True)
WHOAMI = "/api/auth/whoami"
LIMIT = 200
BLOCK = LIMIT // BLOCKS_PER_DAY


@pytest.fixture(autouse=True)
def _watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is demoted and promoted again as fast as here."""
    monkeypatch.setattr(connections, "CHECK_SECONDS", 0.0)


@pytest.fixture
def replica(own_redis: OwnRedis, tmp_path: Path) -> Iterator[OwnRedis]:
    folder = tmp_path / "replica"
    folder.mkdir()
    server = OwnRedis(folder)
    try:
        server.start()
        follow(server, own_redis)
        yield server
    finally:
        server.kill()


@pytest.fixture(params=["plan", "token"])
def limit_request(request: pytest.FixtureRequest) -> LimitRequest:
    """The limit is the plan's, or the token's within a wider plan."""
    if request.param == "plan":
        return new_limit_request(LIMIT)
    return replace(new_limit_request(5 * LIMIT), subject_limit=SubjectLimit("token", LIMIT))


def follow(one: OwnRedis, other: OwnRedis) -> None:
    one.client.replicaof("127.0.0.1", other.port)
    wait_until(lambda: one.client.info("replication")["master_link_status"] == "up")


def promote(one: OwnRedis, other: OwnRedis) -> None:
    """Once it has all that the other holds; what the other does from now on, it misses."""
    offset = other.client.info("replication")["master_repl_offset"]
    wait_until(lambda: one.client.info("replication")["slave_repl_offset"] >= offset)
    one.client.replicaof("NO", "ONE")


def test_a_replica_that_missed_writes_admits_nothing_twice(
    own_redis: OwnRedis, replica: OwnRedis, limit_request: LimitRequest, settings: Settings
) -> None:
    count = admitted(limit_request, 41)
    promote(replica, own_redis)
    count += admitted(limit_request, 2)
    use(replica.url, settings)
    count += admitted(limit_request, LIMIT)
    assert LIMIT - BLOCK <= count <= LIMIT


def test_a_server_that_gets_its_own_past_back_admits_nothing_twice(
    own_redis: OwnRedis, replica: OwnRedis, limit_request: LimitRequest
) -> None:
    count = admitted(limit_request, 41)
    promote(replica, own_redis)
    count += admitted(limit_request, 2)
    follow(own_redis, replica)
    promote(own_redis, replica)
    count += admitted(limit_request, LIMIT)
    assert LIMIT - BLOCK <= count <= LIMIT


@pytest.fixture
def warm(own_redis: OwnRedis, api: APIClient) -> APIClient:
    """A program whose credential is remembered under the generation that both servers hold."""
    Organization.objects.update(requests_per_day=100_000)
    for _ in range(3):
        assert api.get(WHOAMI).status_code == 200
    return api


def test_a_replica_that_missed_a_revocation_accepts_nothing_that_was_remembered(
    own_redis: OwnRedis, replica: OwnRedis, warm: APIClient, issued: Issued, settings: Settings
) -> None:
    promote(replica, own_redis)
    revoke(token=issued.token, actor=SYSTEM)
    use(replica.url, settings)
    assert warm.get(WHOAMI).status_code == 401


def test_a_server_that_gets_its_own_past_back_accepts_nothing_that_was_remembered(
    own_redis: OwnRedis, replica: OwnRedis, warm: APIClient, issued: Issued
) -> None:
    promote(replica, own_redis)
    revoke(token=issued.token, actor=SYSTEM)
    follow(own_redis, replica)
    promote(own_redis, replica)
    assert warm.get(WHOAMI).status_code == 401
