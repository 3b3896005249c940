"""Publishing a block to the store: late, twice, or for another epoch or day, it opens nothing again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from ratelimit.store import client
from ratelimit.types import LimitRequest
from tests.ratelimit.limit_requests import NOON, hit, new_limit_request

pytestmark = pytest.mark.django_db
TODAY = NOON.toordinal() - datetime(1970, 1, 1, tzinfo=NOON.tzinfo).toordinal()
LIMIT = 100


@pytest.fixture
def limit_request() -> LimitRequest:
    """One request of its first block of two is used."""
    limit_request = new_limit_request(LIMIT)
    hit(limit_request)
    return limit_request


@pytest.fixture
def epoch(limit_request: LimitRequest, redis_client: redis.Redis) -> str:
    return str(redis_client.hget(f"tsr:{{{limit_request.bucket.hex}}}:meter", "epoch"))


def publish(
    limit_request: LimitRequest, epoch: str, day: int, start: int, end: int, now: datetime = NOON
) -> tuple[int, int]:
    """One request that brings a block along: what is used and reserved after it."""
    tag = f"tsr:{{{limit_request.bucket.hex}}}:"
    clock = int(now.timestamp() * 1000)
    arguments: list[Any] = [
        "fresh",
        LIMIT,
        0,
        0,
        limit_request.subject.hex,
        "",
        clock,
        epoch,
        day,
        start,
        end,
    ]
    answer = client.meter([tag + "meter", tag + "usage:", tag + "none"], arguments, with_run=True)
    return answer[4], answer[5]


def test_a_block_moves_what_is_used_to_its_start(limit_request: LimitRequest, epoch: str) -> None:
    assert publish(limit_request, epoch, TODAY, 2, 4) == (3, 4)


def test_a_block_published_twice_is_there_once(limit_request: LimitRequest, epoch: str) -> None:
    publish(limit_request, epoch, TODAY, 2, 4)
    assert publish(limit_request, epoch, TODAY, 2, 4) == (4, 4)
    assert publish(limit_request, epoch, TODAY, 2, 4) == (4, 4)


def test_a_block_published_after_a_later_one_changes_nothing(limit_request: LimitRequest, epoch: str) -> None:
    publish(limit_request, epoch, TODAY, 4, 6)
    assert publish(limit_request, epoch, TODAY, 2, 4) == (6, 6)
    assert publish(limit_request, epoch, TODAY, 2, 40) == (6, 6)


def test_a_block_of_another_epoch_is_refused(limit_request: LimitRequest, epoch: str) -> None:
    assert publish(limit_request, "another", TODAY, 2, 4) == (2, 2)


def test_a_block_of_yesterday_is_refused_today(limit_request: LimitRequest, epoch: str) -> None:
    tomorrow = NOON + timedelta(days=1)
    assert publish(limit_request, epoch, TODAY, 2, 4, tomorrow) == (0, -1)
    assert publish(limit_request, epoch, TODAY + 1, 0, 2, tomorrow) == (1, 2)
