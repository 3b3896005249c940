"""Tries are taken from every window or from none, and given back to the window they were taken from."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from ratelimit import attempts
from ratelimit.attempts import Reservation, TooManyAttempts
from ratelimit.types import FixedWindow
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
WIDE, NARROW = FixedWindow("wide", "wide", 10, 900), FixedWindow("narrow", "narrow", 2, 60)


@pytest.fixture(params=["store", "sql", "durable"])
def how(request: pytest.FixtureRequest, settings: Any) -> dict[str, bool]:
    if request.param == "sql":
        settings.REDIS_URL = ""
    return {"durable": request.param == "durable"}


def left(window: FixedWindow, how: dict[str, bool]) -> int:
    """Uses up what is left and says how much it was."""
    for count in range(window.limit + 1):
        try:
            attempts.reserve([window], **how)
        except TooManyAttempts:
            return count
    raise AssertionError("The window has no limit.")


def test_a_spent_window_charges_none_of_the_others(how: dict[str, bool]) -> None:
    for _ in range(2):
        attempts.reserve([WIDE, NARROW], **how)
    for _ in range(5):
        with pytest.raises(TooManyAttempts) as error:
            attempts.reserve([WIDE, NARROW], **how)
        assert 1 <= error.value.retry_after <= 60
    assert left(WIDE, how) == 8


def test_what_is_given_back_may_be_taken_again(how: dict[str, bool]) -> None:
    reservation = [attempts.reserve([WIDE, NARROW], **how) for _ in range(2)]
    attempts.refund(reservation[0])
    assert left(NARROW, how) == 1
    assert left(WIDE, how) == 9


def test_a_later_window_of_sql_gives_nothing_back() -> None:
    reservation = attempts.reserve([NARROW], durable=True, now=1_000.0)
    for _ in range(2):
        attempts.reserve([NARROW], durable=True, now=1_100.0)
    attempts.refund(reservation)
    with pytest.raises(TooManyAttempts):
        attempts.reserve([NARROW], durable=True, now=1_100.0)


def test_a_later_window_of_the_store_gives_nothing_back() -> None:
    for _ in range(2):
        attempts.reserve([NARROW])
    attempts.refund(Reservation((NARROW,), ends=(30_000,)))
    with pytest.raises(TooManyAttempts):
        attempts.reserve([NARROW])


def test_a_window_ends() -> None:
    for now in (1_000.0, 1_030.0, 1_060.0, 1_119.0):
        attempts.reserve([NARROW], durable=True, now=now)
    with pytest.raises(TooManyAttempts) as error:
        attempts.reserve([NARROW], durable=True, now=1_119.5)
    assert error.value.retry_after == 1


def test_a_counter_in_the_store_always_ends(redis_client: redis.Redis) -> None:
    attempts.refund(attempts.reserve([WIDE, NARROW]))
    for key in redis_client.keys("*"):
        assert redis_client.pttl(key) > 0


def test_a_flushed_store_gives_no_further_durable_try(redis_client: redis.Redis) -> None:
    for _ in range(2):
        attempts.reserve([NARROW], durable=True)
    redis_client.flushdb()
    with pytest.raises(TooManyAttempts):
        attempts.reserve([NARROW], durable=True)


@pytest.mark.django_db(transaction=True)
def test_parallel_takes_and_returns_come_out_even(how: dict[str, bool]) -> None:
    def round_trip() -> int:
        attempts.refund(attempts.reserve([WIDE], **how))
        return 1

    assert at_once([round_trip] * 10) == [1] * 10
    assert left(WIDE, how) == 10
