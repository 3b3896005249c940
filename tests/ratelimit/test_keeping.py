"""What was read from SQL may be remembered only where no change of its organization is under way."""

from __future__ import annotations

import pytest

from ratelimit import limiter
from ratelimit.store import client
from ratelimit.types import Fence, LimitRequest
from tests.ratelimit.limit_requests import new_limit_request

pytestmark = pytest.mark.django_db


def fence(limit_request: LimitRequest, word: str, generation: int) -> None:
    client.fence([f"tsr:{{{limit_request.bucket.hex}}}:meter"], [word, generation, 90_000])


def keeps(limit_request: LimitRequest, generation: int, epoch: str) -> bool:
    return limiter.hit(limit_request, None, fence=Fence(epoch, generation, remembered=False)).keeps


def test_nothing_is_kept_while_a_change_is_pending() -> None:
    limit_request = new_limit_request(None)
    epoch = limiter.hit(limit_request, None, fence=Fence("", 0, remembered=False)).epoch
    assert keeps(limit_request, 0, epoch)
    fence(limit_request, "mark", 1)
    assert not keeps(limit_request, 0, epoch)
    fence(limit_request, "publish", 1)
    assert keeps(limit_request, 1, epoch)


def test_nothing_is_kept_that_was_read_under_another_epoch() -> None:
    limit_request = new_limit_request(None)
    epoch = limiter.hit(limit_request, None, fence=Fence("", 0, remembered=False)).epoch
    assert not keeps(limit_request, 0, "")
    assert not keeps(limit_request, 0, "another")
    assert keeps(limit_request, 0, epoch)
