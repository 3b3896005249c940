"""Publishing a block to the store: late, twice, or for another epoch or day, it opens nothing again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import redis

from ratelimit import limiter
from ratelimit.types import LimitRequest, SubjectLimit
from tests.ratelimit.limit_requests import NOON, hit, new_limit_request

pytestmark = pytest.mark.django_db
TODAY = NOON.toordinal() - datetime(1970, 1, 1, tzinfo=NOON.tzinfo).toordinal()
LIMIT = 100


@pytest.fixture(params=["bucket", "subject"])
def limit_request(request: pytest.FixtureRequest) -> LimitRequest:
    """One request of the first block of two is used, of the bucket's day or the subject's."""
    limit_request = new_limit_request(LIMIT)
    if request.param == "subject":
        own = SubjectLimit("token", LIMIT)
        limit_request = replace(limit_request, requests_per_day=None, subject_limit=own)
    hit(limit_request)
    return limit_request


@pytest.fixture
def epoch(limit_request: LimitRequest, redis_client: redis.Redis) -> str:
    return str(redis_client.hget(f"tsr:{{{limit_request.bucket.hex}}}:meter", "epoch"))


def publish(
    limit_request: LimitRequest, epoch: str, day: int, start: int, end: int, now: datetime = NOON
) -> tuple[int, int]:
    """One request that brings a block along: what is used and reserved after it."""
    whose = "subject" if limit_request.subject_limit else "bucket"
    block = (whose, epoch, day, start, end)
    answer = limiter._Answer(*limiter._run(limit_request, None, now.timestamp(), block, None))
    if whose == "subject":
        return answer.subject_used, answer.subject_reserved
    return answer.used, answer.reserved


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
