"""Draining: the store's counters into SQL, without loss and without counting anything twice."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
import redis
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import DailyUsage, HourlyUsage, Reservation, Window
from ratelimit.store.client import StoreUnavailable
from ratelimit.store.day_keys import FINISHED_KEPT_MS
from ratelimit.types import LimitRequest
from ratelimit.usage.sync import Sync, prune
from tests.ratelimit.limit_requests import ADDRESS, NOON, admitted, another_subject, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis
from tests.support.threads import at_once

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def limit_request() -> LimitRequest:
    return new_limit_request(100)


def sync(now: dt.datetime = NOON) -> int:
    return Sync()(now=now)


@pytest.mark.django_db
def test_a_drain_stores_the_day_the_hours_and_the_last_use() -> None:
    limit_request = new_limit_request(3)
    admitted(limit_request, 1, NOON - HOUR)
    admitted(limit_request, 4)
    sync()
    day = DailyUsage.objects.get()
    assert (day.bucket, day.subject, day.day) == (limit_request.bucket, limit_request.subject, NOON.date())
    assert (day.calls, day.refused, day.last_used_at, day.last_used_ip) == (3, 2, NOON, ADDRESS)
    hours = HourlyUsage.objects.order_by("hour").values_list("hour", "calls")
    assert list(hours) == [(NOON - HOUR, 1), (NOON, 2)]


@pytest.mark.django_db
def test_draining_again_counts_nothing_twice(limit_request: LimitRequest) -> None:
    admitted(limit_request, 5)
    sync()
    sync()
    admitted(limit_request, 2)
    sync()
    assert DailyUsage.objects.get().calls == 7
    assert HourlyUsage.objects.get().calls == 7


@pytest.mark.django_db
def test_a_late_drain_of_older_figures_takes_nothing_back(limit_request: LimitRequest) -> None:
    admitted(limit_request, 5)
    DailyUsage.objects.all().delete()
    sync()
    DailyUsage.objects.update(calls=9, refused=4, last_used_at=NOON + HOUR, last_used_ip="192.0.2.9")
    HourlyUsage.objects.update(calls=9)
    sync()
    day = DailyUsage.objects.get()
    assert (day.calls, day.refused, day.last_used_at, day.last_used_ip) == (9, 4, NOON + HOUR, "192.0.2.9")
    assert HourlyUsage.objects.get().calls == 9


@pytest.mark.django_db(transaction=True)
def test_several_drains_at_once_count_nothing_twice(limit_request: LimitRequest) -> None:
    subjects = [limit_request, *(another_subject(limit_request) for _ in range(9))]
    for number in range(8):
        for one in subjects:
            admitted(one, 1)
        outcomes = at_once([partial(sync, NOON)] * 4)
        assert outcomes == [1] * 4
        assert set(DailyUsage.objects.values_list("calls", flat=True)) == {number + 1}
        assert set(HourlyUsage.objects.values_list("calls", flat=True)) == {number + 1}
    assert DailyUsage.objects.count() == len(subjects)


@pytest.mark.django_db
def test_a_quiet_organization_costs_no_statement(
    limit_request: LimitRequest, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sync = Sync()
    admitted(limit_request, 5)
    assert sync(now=NOON) == 1
    with django_assert_num_queries(0):
        assert sync(now=NOON) == 0
    admitted(limit_request, 1)
    # 1: the day's row; 2: the hour's row
    with django_assert_num_queries(2):
        assert sync(now=NOON) == 1


@pytest.mark.django_db
def test_a_finished_day_is_stored_and_then_goes_soon(
    limit_request: LimitRequest, redis_client: redis.Redis
) -> None:
    admitted(limit_request, 4)
    [key] = redis_client.keys("tsr:{*}:usage:*")
    sync()
    assert int(redis_client.pttl(key)) > FINISHED_KEPT_MS
    sync(NOON + DAY)
    assert 0 < int(redis_client.pttl(key)) <= FINISHED_KEPT_MS
    assert DailyUsage.objects.get().calls == 4


@pytest.mark.django_db
def test_everything_the_limiter_keeps_ends_some_day(redis_client: redis.Redis) -> None:
    admitted(new_limit_request(5, burst=3), 8)
    lifetimes = {str(key).rpartition(":")[2]: redis_client.pttl(key) for key in redis_client.scan_iter()}
    assert len(lifetimes) == 3
    assert all(int(left) > 0 for left in lifetimes.values())


@pytest.mark.django_db
def test_a_drain_without_a_store_says_so(own_redis: OwnRedis) -> None:
    own_redis.kill()
    with pytest.raises(StoreUnavailable):
        sync()


@pytest.mark.django_db
def test_pruning_leaves_what_is_still_read(limit_request: LimitRequest) -> None:
    admitted(limit_request, 1)
    sync()
    Window.objects.create(key="k", started_at=NOON.timestamp())
    prune(now=NOON + DAY)
    assert [table.objects.count() for table in (HourlyUsage, Reservation, Window)] == [1, 1, 1]
    prune(now=NOON + 3 * DAY)
    assert [table.objects.count() for table in (HourlyUsage, Reservation, Window)] == [1, 0, 0]
    prune(now=NOON + 91 * DAY)
    assert not HourlyUsage.objects.exists()
    assert DailyUsage.objects.get().calls == 1
