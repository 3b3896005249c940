"""Usage as pages and the API read it: true at once, whether it was drained, half drained or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import redis
from pytest_django import DjangoAssertNumQueries

from ratelimit.types import LimitRequest
from ratelimit.usage import reports
from ratelimit.usage.reports import DayUsage, Usage
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import ADDRESS, NOON, admitted, another_subject, hit, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def limit_request() -> LimitRequest:
    return new_limit_request(100)


def calls(limit_request: LimitRequest, now: datetime = NOON) -> int:
    return reports.totals(limit_request.bucket, [limit_request.subject], now=now)[limit_request.subject].calls


def drain(now: datetime = NOON) -> None:
    Sync()(now=now)


@pytest.mark.usefixtures("backend")
def test_calls_and_the_last_use_are_true_at_once(limit_request: LimitRequest) -> None:
    other = another_subject(limit_request)
    hit(limit_request, NOON - HOUR, "192.0.2.9")
    hit(limit_request, NOON, "2001:db8::1")
    hit(other, NOON, None)
    found = reports.totals(limit_request.bucket, [limit_request.subject, other.subject], now=NOON)
    assert found == {
        limit_request.subject: Usage(calls=2, last_used_at=NOON, last_used_ip="2001:db8::1"),
        other.subject: Usage(calls=1, last_used_at=NOON, last_used_ip=None),
    }


@pytest.mark.usefixtures("backend")
def test_who_never_called_has_no_use(limit_request: LimitRequest) -> None:
    nothing = Usage(calls=0, last_used_at=None, last_used_ip=None)
    assert reports.totals(limit_request.bucket, [limit_request.subject], now=NOON) == {
        limit_request.subject: nothing
    }
    assert reports.totals(limit_request.bucket, [], now=NOON) == {}
    assert reports.last_24_hours(limit_request.bucket, [limit_request.subject], now=NOON) == {
        limit_request.subject: 0
    }
    assert reports.by_day(limit_request.bucket, NOON.date(), NOON.date(), now=NOON) == []


@pytest.mark.usefixtures("backend")
def test_a_refused_request_is_counted_as_refused_and_is_no_use() -> None:
    limit_request = new_limit_request(2)
    admitted(limit_request, 2, NOON - HOUR)
    admitted(limit_request, 3)
    day = reports.by_day(limit_request.bucket, NOON.date(), NOON.date(), now=NOON)
    assert day == [DayUsage(NOON.date(), limit_request.subject, calls=2, refused=3)]
    found = reports.totals(limit_request.bucket, [limit_request.subject], now=NOON)[limit_request.subject]
    assert found == Usage(calls=2, last_used_at=NOON - HOUR, last_used_ip=ADDRESS)


@pytest.mark.usefixtures("backend")
def test_the_last_24_hours_forget_what_is_older(limit_request: LimitRequest) -> None:
    for back, count in ((26, 1), (24, 2), (13, 4), (11, 8), (0, 16)):
        admitted(limit_request, count, NOON - back * HOUR)
    found = reports.last_24_hours(limit_request.bucket, [limit_request.subject], now=NOON + HOUR / 2)
    # Those of 24 hours ago share a clock hour with the last half hour of them.
    assert found == {limit_request.subject: 2 + 4 + 8 + 16}
    assert calls(limit_request) == 31


def test_drained_and_undrained_counts_are_never_added_to_each_other(
    limit_request: LimitRequest, redis_client: redis.Redis
) -> None:
    admitted(limit_request, 5)
    drain()
    assert calls(limit_request) == 5
    admitted(limit_request, 2)
    assert calls(limit_request) == 7
    assert reports.last_24_hours(limit_request.bucket, [limit_request.subject], now=NOON) == {
        limit_request.subject: 7
    }
    assert [
        day.calls for day in reports.by_day(limit_request.bucket, NOON.date(), NOON.date(), now=NOON)
    ] == [7]
    drain()
    redis_client.flushdb()
    assert calls(limit_request) == 7
    assert reports.last_24_hours(limit_request.bucket, [limit_request.subject], now=NOON) == {
        limit_request.subject: 7
    }
    admitted(limit_request, 1)
    assert calls(limit_request) == 8


def test_counters_wound_back_do_not_count_the_past_again(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    admitted(limit_request, 10)
    own_redis.snapshot()
    admitted(limit_request, 5)
    drain()
    own_redis.restart_from_snapshot()
    assert calls(limit_request) == 15
    admitted(limit_request, 3)
    assert calls(limit_request) == 18
    drain()
    assert calls(limit_request) == 18


def test_a_lost_usage_hash_begins_a_new_count(limit_request: LimitRequest, redis_client: redis.Redis) -> None:
    admitted(limit_request, 5)
    drain()
    redis_client.delete(*redis_client.keys("tsr:{*}:usage:*"))
    admitted(limit_request, 3)
    assert calls(limit_request) == 8


def test_what_was_counted_in_an_outage_is_added(own_redis: OwnRedis, limit_request: LimitRequest) -> None:
    admitted(limit_request, 5)
    drain()
    own_redis.kill()
    admitted(limit_request, 4)
    assert calls(limit_request) == 9
    assert reports.last_24_hours(limit_request.bucket, [limit_request.subject], now=NOON) == {
        limit_request.subject: 9
    }


@pytest.mark.usefixtures("backend")
def test_days_are_told_apart_and_lie_within_the_range(limit_request: LimitRequest) -> None:
    other = another_subject(limit_request)
    for back, count in ((3, 1), (2, 2), (1, 3), (0, 4)):
        admitted(limit_request, count, NOON - back * DAY)
        admitted(other, back % 2, NOON - back * DAY)
    days = reports.by_day(limit_request.bucket, NOON.date() - 2 * DAY, NOON.date() - DAY, now=NOON)
    assert {(day.day, day.subject): day.calls for day in days} == {
        (date(2030, 6, 13), limit_request.subject): 2,
        (date(2030, 6, 14), limit_request.subject): 3,
        (date(2030, 6, 14), other.subject): 1,
    }


@pytest.mark.usefixtures("backend")
def test_today_says_what_the_headers_say(limit_request: LimitRequest) -> None:
    assert reports.today(limit_request.bucket, 100, now=NOON).remaining == 100
    for _ in range(5):
        quota = hit(limit_request).quotas[0]
        today = reports.today(limit_request.bucket, 100, now=NOON)
        assert (today.used, today.remaining) == (100 - quota.remaining, quota.remaining)
    assert today.resets_at == datetime(2030, 6, 16, tzinfo=NOON.tzinfo)
    assert reports.today(limit_request.bucket, 3, now=NOON).remaining == 0
    assert reports.today(limit_request.bucket, 100, now=NOON + DAY).used == 0


@pytest.mark.usefixtures("backend")
def test_today_of_an_unlimited_plan_counts_without_an_end(limit_request: LimitRequest) -> None:
    admitted(replace(limit_request, requests_per_day=None), 12)
    today = reports.today(limit_request.bucket, None, now=NOON)
    assert (today.used, today.remaining) == (12, None)


def test_reading_costs_the_same_for_one_and_for_many(
    limit_request: LimitRequest, round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    many = [replace(another_subject(limit_request), requests_per_day=None) for _ in range(30)]
    for back in range(3):
        for one in many:
            hit(one, NOON - back * DAY)
    drain()
    subjects = [one.subject for one in many]
    round_trips.clear()
    # 1: the days that only SQL has, summed up; 2: the days that the store may still have
    with django_assert_num_queries(2):
        found = reports.totals(limit_request.bucket, subjects, now=NOON)
    assert {one.calls for one in found.values()} == {3}
    # 1: HGETALL for each of those days, together
    assert len(round_trips) == 1
    # 1: the hours
    with django_assert_num_queries(1):
        reports.last_24_hours(limit_request.bucket, subjects, now=NOON)
    # 1: the days
    with django_assert_num_queries(1):
        reports.by_day(limit_request.bucket, NOON.date() - 30 * DAY, NOON.date(), now=NOON)
    assert len(round_trips) == 3
