"""One worker has given the store up and another has not, or its clock is wrong: the limit stays one limit."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle

import pytest
import time_machine
from pytest_django import Settings

from ratelimit import limiter
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from ratelimit.types import Decision, LimitRequest
from tests.ratelimit.limit_requests import ADDRESS, hit, new_limit_request

pytestmark = pytest.mark.django_db
LIMIT = 200
BLOCK = LIMIT // BLOCKS_PER_DAY


@pytest.fixture
def limit_request() -> LimitRequest:
    return new_limit_request(LIMIT)


@pytest.mark.parametrize("turns", [(True, False), (True, True, True, False), (False, False, False, True)])
def test_breakers_open_in_one_worker_and_closed_in_another_admit_exactly_the_limit(
    limit_request: LimitRequest, settings: Settings, turns: tuple[bool, ...]
) -> None:
    url = settings.REDIS_URL
    count = 0
    for closed, _ in zip(cycle(turns), range(2 * LIMIT), strict=False):
        settings.REDIS_URL = url if closed else ""
        count += hit(limit_request).admitted
    # The worker that has the store takes what is left of the last block.
    settings.REDIS_URL = url
    count += sum(hit(limit_request).admitted for _ in range(2 * BLOCK))
    assert count == LIMIT


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("step", [timedelta(minutes=5), timedelta(hours=-1), timedelta(days=40)])
def test_a_server_whose_clock_is_wrong_charges_the_same_day(
    limit_request: LimitRequest, step: timedelta
) -> None:
    def asked() -> Decision:
        return limiter.hit(limit_request, ADDRESS)

    right = asked()
    with time_machine.travel(step):
        wrong = asked()
    assert (right.quotas[0].remaining, wrong.quotas[0].remaining) == (LIMIT - 1, LIMIT - 2)
    assert wrong.day_ends == right.day_ends
    assert 0 < wrong.quotas[0].resets_in <= 86_400
    assert sum(asked().admitted for _ in range(LIMIT)) == LIMIT - 2
