"""Blocks of the day, reserved in SQL: they never overlap, and asking again for the same gives the same."""

from __future__ import annotations

import pytest
import redis

from ratelimit import limiter
from ratelimit.models import Reservation
from ratelimit.sql.reservations import Block, reserve_block, reserve_one
from ratelimit.types import LimitRequest
from tests.ratelimit.limit_requests import NOON, admitted, new_limit_request

pytestmark = pytest.mark.django_db
DAY = NOON.date()
LIMIT = 100


@pytest.fixture
def limit_request() -> LimitRequest:
    return new_limit_request(LIMIT)


def block(
    limit_request: LimitRequest, epoch: str, known: int, limit: int = LIMIT, used: int = 0
) -> Block | None:
    return reserve_block(limit_request.bucket, DAY, limit, epoch=epoch, known=known, used=used)


def one(limit_request: LimitRequest, limit: int | None = LIMIT) -> int | None:
    return reserve_one(limit_request.bucket, DAY, limit)


def test_blocks_lie_one_behind_the_other(limit_request: LimitRequest) -> None:
    assert block(limit_request, "e", -1) == Block(0, 2)
    assert block(limit_request, "e", 2) == Block(2, 4)
    assert one(limit_request) == 5
    assert block(limit_request, "e", 4) == Block(5, 7)


def test_a_block_the_store_does_not_know_yet_is_handed_out_again(limit_request: LimitRequest) -> None:
    assert block(limit_request, "e", -1) == Block(0, 2)
    assert one(limit_request) == 3
    assert block(limit_request, "e", -1) == Block(0, 2)
    assert Reservation.objects.get().reserved == 3


def test_another_epoch_gets_none_of_the_blocks_before_it(limit_request: LimitRequest) -> None:
    assert block(limit_request, "old", -1) == Block(0, 2)
    assert block(limit_request, "new", -1) == Block(2, 4)
    assert block(limit_request, "old", 2) == Block(4, 6)


def test_the_last_block_ends_at_the_limit(limit_request: LimitRequest) -> None:
    assert block(limit_request, "e", -1, limit=3, used=0) == Block(0, 1)
    for taken in range(2, 100):
        assert one(limit_request) == taken
    assert block(limit_request, "f", -1, limit=LIMIT) == Block(99, 100)
    assert block(limit_request, "f", 100) == Block(100, 100)
    assert one(limit_request) is None


def test_a_block_starts_behind_what_the_store_has_counted_already(limit_request: LimitRequest) -> None:
    assert block(limit_request, "e", -1, used=40) == Block(40, 42)
    assert block(limit_request, "e", 42, used=90) == Block(90, 92)


def test_a_lowered_limit_gives_an_empty_block_and_a_raised_one_goes_on(limit_request: LimitRequest) -> None:
    assert block(limit_request, "e", -1, limit=1000) == Block(0, 20)
    assert block(limit_request, "e", 20, limit=10) == Block(20, 20)
    assert block(limit_request, "e", 20, limit=100) == Block(20, 22)


def test_a_block_lost_on_its_way_to_the_store_is_not_lost(
    limit_request: LimitRequest, redis_client: redis.Redis
) -> None:
    assert admitted(limit_request, 2) == 2
    epoch = str(redis_client.hget(f"tsr:{{{limit_request.bucket.hex}}}:meter", "epoch"))
    assert block(limit_request, epoch, 2) == Block(2, 4)
    assert one(limit_request) == 5
    assert admitted(limit_request, LIMIT) == LIMIT - 3


def test_sql_decides_if_redis_accepts_no_block(
    limit_request: LimitRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request ends although a used-up block is handed out to it again and again."""
    monkeypatch.setattr(limiter, "reserve_block", lambda *_, **__: None)
    assert admitted(limit_request, 3) == 3
    assert Reservation.objects.get().reserved == 3
