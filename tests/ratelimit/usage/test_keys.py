"""Calls counted for a key of a subject as well: exact, in SQL and Redis, and only where a key is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import redis
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import DailyKeyUsage
from ratelimit.types import LimitRequest
from ratelimit.usage import reports
from ratelimit.usage.reports import KeyUsage
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import NOON, admitted, another_subject, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis

pytestmark = pytest.mark.django_db
OLD, NEW = 2**40, 7
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def limit_request() -> LimitRequest:
    return replace(new_limit_request(100), key=OLD)


def by_key(limit_request: LimitRequest, now: datetime = NOON) -> dict[int, KeyUsage]:
    return reports.by_key(limit_request.bucket, limit_request.subject, now=now)


def sync(now: datetime = NOON) -> None:
    if settings.REDIS_URL:
        Sync()(now=now)


@pytest.mark.usefixtures("backend")
def test_calls_and_last_use_of_each_key_are_true_at_once(limit_request: LimitRequest) -> None:
    admitted(limit_request, 3, NOON - DAY)
    admitted(replace(limit_request, key=NEW), 2)
    admitted(replace(limit_request, key=None), 4)
    admitted(another_subject(limit_request), 5)
    expected = {OLD: KeyUsage(3, NOON - DAY), NEW: KeyUsage(2, NOON)}
    assert by_key(limit_request) == expected
    sync()
    assert by_key(limit_request) == expected
    totals = reports.totals(limit_request.bucket, [limit_request.subject], now=NOON)
    assert totals[limit_request.subject].calls == 9


@pytest.mark.usefixtures("backend")
def test_a_refused_call_is_not_counted() -> None:
    limit_request = replace(new_limit_request(2), key=OLD)
    assert admitted(limit_request, 5) == 2
    assert by_key(limit_request) == {OLD: KeyUsage(2, NOON)}


@pytest.mark.usefixtures("backend")
def test_a_call_without_a_key_writes_no_row() -> None:
    admitted(new_limit_request(), 2)
    sync()
    assert not DailyKeyUsage.objects.exists()


def test_counts_of_redis_and_sql_are_never_added_to_each_other(
    limit_request: LimitRequest, redis_client: redis.Redis
) -> None:
    admitted(limit_request, 5)
    sync()
    admitted(limit_request, 2, NOON + MINUTE)
    assert by_key(limit_request) == {OLD: KeyUsage(7, NOON + MINUTE)}
    sync()
    sync()
    redis_client.flushdb()
    assert by_key(limit_request) == {OLD: KeyUsage(7, NOON + MINUTE)}
    admitted(limit_request, 1)
    assert by_key(limit_request) == {OLD: KeyUsage(8, NOON + MINUTE)}


def test_counters_that_went_back_do_not_count_the_past_again(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    admitted(limit_request, 10)
    own_redis.snapshot()
    admitted(limit_request, 5)
    sync()
    own_redis.restart_from_snapshot()
    admitted(limit_request, 3)
    sync()
    assert by_key(limit_request) == {OLD: KeyUsage(18, NOON)}


def test_calls_of_months_are_read_in_two_queries_and_one_round_trip(
    limit_request: LimitRequest,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for back in (200, 100, 0):
        for key in (OLD, NEW):
            admitted(replace(limit_request, key=key), 1, NOON - back * DAY)
    sync()
    by_key(limit_request)
    round_trips.clear()
    # 1: the days that only SQL has, summed up; 2: the days that Redis may still have
    with django_assert_num_queries(2):
        assert by_key(limit_request) == {OLD: KeyUsage(3, NOON), NEW: KeyUsage(3, NOON)}
    # 1: HGETALL for each of those days, together
    assert len(round_trips) == 1
