"""Publishing a block to the store: late, twice, or for another epoch or day, it opens nothing again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from ratelimit.store import client
from ratelimit.types import Charge
from tests.ratelimit.charges import NOON, hit, new_charge

pytestmark = pytest.mark.django_db
TODAY = NOON.toordinal() - datetime(1970, 1, 1, tzinfo=NOON.tzinfo).toordinal()
LIMIT = 100


@pytest.fixture
def charge() -> Charge:
    """One request of its first block of two is used."""
    charge = new_charge(LIMIT)
    hit(charge)
    return charge


@pytest.fixture
def epoch(charge: Charge, redis_client: redis.Redis) -> str:
    return str(redis_client.hget(f"tsr:{{{charge.bucket.hex}}}:meter", "epoch"))


def publish(
    charge: Charge, epoch: str, day: int, start: int, end: int, now: datetime = NOON
) -> tuple[int, int]:
    """One request that brings a block along: what is used and reserved after it."""
    tag = f"tsr:{{{charge.bucket.hex}}}:"
    clock = int(now.timestamp() * 1000)
    arguments: list[Any] = ["fresh", LIMIT, 0, 0, charge.subject.hex, "", clock, epoch, day, start, end]
    answer = client.meter([tag + "meter", tag + "usage:", tag + "none"], arguments, with_run=True)
    return answer[4], answer[5]


def test_a_block_moves_what_is_used_to_its_start(charge: Charge, epoch: str) -> None:
    assert publish(charge, epoch, TODAY, 2, 4) == (3, 4)


def test_a_block_published_twice_is_there_once(charge: Charge, epoch: str) -> None:
    publish(charge, epoch, TODAY, 2, 4)
    assert publish(charge, epoch, TODAY, 2, 4) == (4, 4)
    assert publish(charge, epoch, TODAY, 2, 4) == (4, 4)


def test_a_block_published_after_a_later_one_changes_nothing(charge: Charge, epoch: str) -> None:
    publish(charge, epoch, TODAY, 4, 6)
    assert publish(charge, epoch, TODAY, 2, 4) == (6, 6)
    assert publish(charge, epoch, TODAY, 2, 40) == (6, 6)


def test_a_block_of_another_epoch_is_refused(charge: Charge, epoch: str) -> None:
    assert publish(charge, "another", TODAY, 2, 4) == (2, 2)


def test_a_block_of_yesterday_is_refused_today(charge: Charge, epoch: str) -> None:
    tomorrow = NOON + timedelta(days=1)
    assert publish(charge, epoch, TODAY, 2, 4, tomorrow) == (0, -1)
    assert publish(charge, epoch, TODAY + 1, 0, 2, tomorrow) == (1, 2)
