"""What was read from SQL may be remembered only where no change of its organization is under way."""

from __future__ import annotations

import pytest

from ratelimit import limiter
from ratelimit.store import client
from ratelimit.types import Charge, Fence
from tests.ratelimit.charges import new_charge

pytestmark = pytest.mark.django_db


def fence(charge: Charge, word: str, generation: int) -> None:
    client.fence([f"tsr:{{{charge.bucket.hex}}}:meter"], [word, generation, 90_000])


def keeps(charge: Charge, generation: int, epoch: str) -> bool:
    return limiter.hit(charge, None, fence=Fence(epoch, generation, remembered=False)).keeps


def test_nothing_is_kept_while_a_change_is_pending() -> None:
    charge = new_charge(None)
    epoch = limiter.hit(charge, None, fence=Fence("", 0, remembered=False)).epoch
    assert keeps(charge, 0, epoch)
    fence(charge, "mark", 1)
    assert not keeps(charge, 0, epoch)
    fence(charge, "publish", 1)
    assert keeps(charge, 1, epoch)


def test_nothing_is_kept_that_was_read_under_another_epoch() -> None:
    charge = new_charge(None)
    epoch = limiter.hit(charge, None, fence=Fence("", 0, remembered=False)).epoch
    assert not keeps(charge, 0, "")
    assert not keeps(charge, 0, "another")
    assert keeps(charge, 0, epoch)
