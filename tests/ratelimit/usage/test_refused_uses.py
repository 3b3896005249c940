"""Uses of a secret that is no longer valid: counted exactly, with time and address, and charged to no one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import redis
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from ratelimit.models import DailyUsage
from ratelimit.types import LimitRequest
from ratelimit.usage import refused_uses, reports, totals
from ratelimit.usage.reports import RefusedUses, Usage
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import ADDRESS, NOON, admitted, another_subject, hit, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis, use

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def limit_request() -> LimitRequest:
    return new_limit_request(100)


def refuse(limit_request: LimitRequest, now: datetime = NOON, address: str | None = ADDRESS) -> None:
    refused_uses.count(limit_request.bucket, limit_request.subject, address, now=now.timestamp())


def found(limit_request: LimitRequest, now: datetime = NOON) -> Usage:
    return reports.totals(limit_request.bucket, [limit_request.subject], now=now)[limit_request.subject]


def drain(now: datetime = NOON) -> None:
    """There is nothing to drain where SQL counts alone."""
    if settings.REDIS_URL:
        Sync()(now=now)


@pytest.mark.usefixtures("backend")
def test_count_time_and_address_are_true_at_once(limit_request: LimitRequest) -> None:
    refuse(limit_request, NOON - MINUTE, "192.0.2.9")
    refuse(limit_request, NOON, "2001:db8::1")
    assert found(limit_request) == Usage(0, None, None, RefusedUses(2, NOON, "2001:db8::1"))


@pytest.mark.usefixtures("backend")
def test_an_unknown_address_is_none(limit_request: LimitRequest) -> None:
    refuse(limit_request, address=None)
    assert found(limit_request).refused_uses == RefusedUses(1, NOON, None)


@pytest.mark.usefixtures("backend")
def test_uses_of_several_days_and_subjects_are_kept_apart_and_summed_up(limit_request: LimitRequest) -> None:
    other = another_subject(limit_request)
    refuse(limit_request, NOON - 20 * DAY, "192.0.2.20")
    drain(NOON - 20 * DAY)
    refuse(limit_request, NOON - DAY, "192.0.2.1")
    refuse(other, NOON, "192.0.2.2")
    assert found(limit_request).refused_uses == RefusedUses(2, NOON - DAY, "192.0.2.1")
    assert found(other).refused_uses == RefusedUses(1, NOON, "192.0.2.2")


@pytest.mark.usefixtures("backend")
def test_calls_and_refused_uses_do_not_touch_each_other(limit_request: LimitRequest) -> None:
    hit(limit_request, NOON - MINUTE)
    refuse(limit_request, NOON, "192.0.2.66")
    expected = Usage(1, NOON - MINUTE, ADDRESS, RefusedUses(1, NOON, "192.0.2.66"))
    assert found(limit_request) == expected
    drain()
    assert found(limit_request) == expected
    assert reports.last_uses(limit_request.bucket, now=NOON) == {limit_request.subject: NOON - MINUTE}


@pytest.mark.usefixtures("backend")
def test_they_are_no_calls_and_no_refusals_over_a_limit(limit_request: LimitRequest) -> None:
    refuse(limit_request)
    assert reports.by_day(limit_request.bucket, NOON.date(), NOON.date(), now=NOON) == []
    assert reports.last_24_hours(limit_request.bucket, [limit_request.subject], now=NOON) == {
        limit_request.subject: 0
    }
    assert reports.last_uses(limit_request.bucket, now=NOON) == {}
    results = totals.read(NOON)
    assert (results.calls_today, results.refused_today, results.undrained) == (0, 0, 0)


@pytest.mark.usefixtures("backend")
def test_they_charge_no_plan() -> None:
    limit_request = new_limit_request(2)
    for _ in range(5):
        refuse(limit_request)
    assert admitted(limit_request, 3) == 2


def test_draining_again_counts_nothing_twice(limit_request: LimitRequest) -> None:
    refuse(limit_request)
    drain()
    drain()
    refuse(limit_request, NOON + MINUTE, "192.0.2.7")
    assert found(limit_request).refused_uses == RefusedUses(2, NOON + MINUTE, "192.0.2.7")
    drain()
    row = DailyUsage.objects.get()
    assert (row.refused_uses, row.last_refused_at, row.last_refused_ip) == (2, NOON + MINUTE, "192.0.2.7")
    assert (row.calls, row.refused, row.last_used_at) == (0, 0, None)


def test_a_late_drain_of_older_figures_takes_nothing_back(limit_request: LimitRequest) -> None:
    refuse(limit_request)
    drain()
    DailyUsage.objects.update(refused_uses=9, last_refused_at=NOON + MINUTE, last_refused_ip="192.0.2.9")
    drain()
    assert found(limit_request).refused_uses == RefusedUses(9, NOON + MINUTE, "192.0.2.9")


def test_what_was_counted_survives_the_loss_of_redis(
    limit_request: LimitRequest, redis_client: redis.Redis
) -> None:
    refuse(limit_request)
    drain()
    redis_client.flushdb()
    refuse(limit_request)
    assert found(limit_request).refused_uses.count == 2
    drain()
    assert found(limit_request).refused_uses.count == 2


def test_a_redis_that_comes_back_with_an_older_past_counts_on(
    own_redis: OwnRedis, limit_request: LimitRequest
) -> None:
    refuse(limit_request)
    own_redis.snapshot()
    refuse(limit_request)
    drain()
    own_redis.restart_from_snapshot()
    refuse(limit_request)
    assert found(limit_request).refused_uses.count == 3
    drain()
    assert found(limit_request).refused_uses.count == 3


def test_sql_counts_while_redis_is_unavailable(
    own_redis: OwnRedis, limit_request: LimitRequest, settings: Settings
) -> None:
    refuse(limit_request)
    use("redis://127.0.0.1:1/0", settings)
    refuse(limit_request, NOON + MINUTE, "192.0.2.8")
    use(own_redis.url, settings)
    assert found(limit_request).refused_uses == RefusedUses(2, NOON + MINUTE, "192.0.2.8")


def test_a_process_of_the_previous_release_can_still_write() -> None:
    limit_request = new_limit_request()
    row = [str(limit_request.bucket), str(limit_request.subject), NOON.date()]
    if connection.vendor != "postgresql":
        row[:2] = [limit_request.bucket.hex, limit_request.subject.hex]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ratelimit_dailyusage (bucket, subject, day, epoch, calls, refused)"
            " VALUES (%s, %s, %s, '', 1, 0)",
            row,
        )
    assert found(limit_request) == Usage(1, None, None)
