"""Blocks of the day, reserved in SQL: they never overlap, and asking again for the same gives the same."""

from __future__ import annotations

import pytest
import redis

from ratelimit.models import Reservation
from ratelimit.sql.reservations import Block, reserve_block, reserve_one
from ratelimit.types import Charge
from tests.ratelimit.charges import NOON, admitted, new_charge

pytestmark = pytest.mark.django_db
DAY = NOON.date()
LIMIT = 100


@pytest.fixture
def charge() -> Charge:
    return new_charge(LIMIT)


def block(charge: Charge, epoch: str, known: int, limit: int = LIMIT, used: int = 0) -> Block | None:
    return reserve_block(charge.bucket, DAY, limit, epoch=epoch, known=known, used=used)


def one(charge: Charge, limit: int | None = LIMIT) -> int | None:
    return reserve_one(charge.bucket, DAY, limit)


def test_blocks_lie_one_behind_the_other(charge: Charge) -> None:
    assert block(charge, "e", -1) == Block(0, 2)
    assert block(charge, "e", 2) == Block(2, 4)
    assert one(charge) == 5
    assert block(charge, "e", 4) == Block(5, 7)


def test_a_block_the_store_does_not_know_yet_is_handed_out_again(charge: Charge) -> None:
    assert block(charge, "e", -1) == Block(0, 2)
    assert one(charge) == 3
    assert block(charge, "e", -1) == Block(0, 2)
    assert Reservation.objects.get().reserved == 3


def test_another_epoch_gets_none_of_the_blocks_before_it(charge: Charge) -> None:
    assert block(charge, "old", -1) == Block(0, 2)
    assert block(charge, "new", -1) == Block(2, 4)
    assert block(charge, "old", 2) == Block(4, 6)


def test_the_last_block_ends_at_the_limit(charge: Charge) -> None:
    assert block(charge, "e", -1, limit=3, used=0) == Block(0, 1)
    for taken in range(2, 100):
        assert one(charge) == taken
    assert block(charge, "f", -1, limit=LIMIT) == Block(99, 100)
    assert block(charge, "f", 100) == Block(100, 100)
    assert one(charge) is None


def test_a_block_starts_behind_what_the_store_has_counted_already(charge: Charge) -> None:
    assert block(charge, "e", -1, used=40) == Block(40, 42)
    assert block(charge, "e", 42, used=90) == Block(90, 92)


def test_a_lowered_limit_gives_an_empty_block_and_a_raised_one_goes_on(charge: Charge) -> None:
    assert block(charge, "e", -1, limit=1000) == Block(0, 20)
    assert block(charge, "e", 20, limit=10) == Block(20, 20)
    assert block(charge, "e", 20, limit=100) == Block(20, 22)


def test_a_block_lost_on_its_way_to_the_store_is_not_lost(charge: Charge, redis_client: redis.Redis) -> None:
    assert admitted(charge, 2) == 2
    epoch = str(redis_client.hget(f"tsr:{{{charge.bucket.hex}}}:meter", "epoch"))
    assert block(charge, epoch, 2) == Block(2, 4)
    assert one(charge) == 5
    assert admitted(charge, LIMIT) == LIMIT - 3
