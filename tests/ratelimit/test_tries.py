"""Tries are taken from every window or from none, and given back to the window they were taken from."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from ratelimit import tries
from ratelimit.tries import TooMany
from ratelimit.values import WindowLimit

pytestmark = pytest.mark.django_db
WIDE, NARROW = WindowLimit("wide", "wide", 10, 900), WindowLimit("narrow", "narrow", 2, 60)


@pytest.fixture(params=["redis", "sql"])
def kind(request: pytest.FixtureRequest, settings: Any) -> str:
    if request.param == "sql":
        settings.REDIS_URL = ""
    return str(request.param)


def left(window: WindowLimit) -> int:
    """Uses up what is left and says how much it was."""
    for count in range(window.limit + 1):
        try:
            tries.take([window])
        except TooMany:
            return count
    raise AssertionError("The window has no limit.")


def test_a_spent_window_charges_none_of_the_others(kind: str) -> None:
    for _ in range(2):
        tries.take([WIDE, NARROW])
    for _ in range(5):
        with pytest.raises(TooMany) as spent:
            tries.take([WIDE, NARROW])
        assert 1 <= spent.value.retry_after <= 60
    assert left(WIDE) == 8


def test_what_is_given_back_may_be_taken_again(kind: str) -> None:
    taken = [tries.take([WIDE, NARROW]) for _ in range(2)]
    tries.give_back(taken[0])
    assert left(NARROW) == 1
    assert left(WIDE) == 9


def test_a_later_window_gives_nothing_back(kind: str, redis_client: redis.Redis) -> None:
    taken = tries.take([NARROW], now=1_000.0)
    if kind == "redis":
        redis_client.pexpire(tries.TAG + "narrow", 1)
        while redis_client.exists(tries.TAG + "narrow"):
            pass
        taken = tries.Taken(taken.windows, ends=(30_000,))
    tries.take([NARROW], now=1_100.0)
    tries.take([NARROW], now=1_100.0)
    tries.give_back(taken)
    with pytest.raises(TooMany):
        tries.take([NARROW], now=1_100.0)


def test_a_counter_in_the_store_always_ends(settings: Any, redis_client: redis.Redis) -> None:
    tries.give_back(tries.take([WIDE, NARROW]))
    for key in redis_client.keys("*"):
        assert redis_client.pttl(key) > 0
