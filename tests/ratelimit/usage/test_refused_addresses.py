"""Refused uses by cause and address: who still uses a secret that is no longer valid, and how often."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import redis
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import RefusedUse
from ratelimit.sql.usage_details import ADDRESSES_PER_CAUSE
from ratelimit.types import LimitRequest
from ratelimit.usage import refused_uses, reports
from ratelimit.usage.refused_uses import RefusedAddress
from ratelimit.usage.sync import Sync, prune
from tests.ratelimit.limit_requests import ADDRESS, NOON, another_subject, new_limit_request

pytestmark = pytest.mark.django_db
CAUSE = "rotated:12"
OTHER = "2001:db8::1"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def limit_request() -> LimitRequest:
    return new_limit_request()


def refuse(
    limit_request: LimitRequest, address: str | None = ADDRESS, cause: str = CAUSE, now: datetime = NOON
) -> None:
    refused_uses.count(limit_request.bucket, limit_request.subject, address, cause, now=now.timestamp())


def by_address(limit_request: LimitRequest, cause: str = CAUSE, now: datetime = NOON) -> list[RefusedAddress]:
    return refused_uses.by_address(limit_request.bucket, limit_request.subject, cause, now=now)


def sync(now: datetime = NOON) -> None:
    if settings.REDIS_URL:
        Sync()(now=now)


@pytest.mark.usefixtures("backend")
def test_the_busiest_address_comes_first_and_causes_are_kept_apart(limit_request: LimitRequest) -> None:
    refuse(limit_request, now=NOON - DAY)
    refuse(limit_request, OTHER, now=NOON - MINUTE)
    refuse(limit_request, OTHER)
    refuse(limit_request, None)
    refuse(limit_request, cause="address")
    refuse(limit_request, cause="")
    refuse(another_subject(limit_request))
    expected = [
        RefusedAddress(OTHER, 2, NOON),
        RefusedAddress("", 1, NOON),
        RefusedAddress(ADDRESS, 1, NOON - DAY),
    ]
    assert by_address(limit_request) == expected
    sync()
    assert by_address(limit_request) == expected
    assert by_address(limit_request, "address") == [RefusedAddress(ADDRESS, 1, NOON)]
    assert by_address(limit_request, "paused:1") == []
    totals = reports.totals(limit_request.bucket, [limit_request.subject], now=NOON)
    assert totals[limit_request.subject].refused_uses.count == 6


@pytest.mark.usefixtures("backend")
def test_a_day_has_a_row_for_each_of_its_first_addresses(limit_request: LimitRequest) -> None:
    addresses = [f"192.0.2.{number}" for number in range(1, ADDRESSES_PER_CAUSE + 4)]
    for address in (*addresses, *addresses):
        refuse(limit_request, address)
    refuse(limit_request, addresses[-1], cause="address")
    first = [RefusedAddress(address, 2, NOON) for address in sorted(addresses[:ADDRESSES_PER_CAUSE])]
    assert by_address(limit_request) == [RefusedAddress("", 6, NOON), *first]
    assert by_address(limit_request, "address") == [RefusedAddress(addresses[-1], 1, NOON)]
    refuse(limit_request, addresses[-1], now=NOON + DAY)
    assert RefusedAddress(addresses[-1], 1, NOON + DAY) in by_address(limit_request, now=NOON + DAY)


def test_counts_of_redis_and_sql_are_never_added_to_each_other(
    limit_request: LimitRequest, redis_client: redis.Redis
) -> None:
    refuse(limit_request)
    sync()
    sync()
    refuse(limit_request, now=NOON + MINUTE)
    assert by_address(limit_request) == [RefusedAddress(ADDRESS, 2, NOON + MINUTE)]
    sync()
    redis_client.flushdb()
    refuse(limit_request)
    assert by_address(limit_request) == [RefusedAddress(ADDRESS, 3, NOON + MINUTE)]
    sync()
    assert by_address(limit_request) == [RefusedAddress(ADDRESS, 3, NOON + MINUTE)]


def test_counting_and_reading_cost_one_round_trip_each(
    limit_request: LimitRequest,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    refuse(limit_request)
    round_trips.clear()
    # EVALSHA of refused_use.lua
    with django_assert_num_queries(0):
        refuse(limit_request, OTHER)
    assert len(round_trips) == 1
    # 1: the rows of the cause
    with django_assert_num_queries(1):
        assert len(by_address(limit_request)) == 2
    assert len(round_trips) == 2


def test_the_counts_are_deleted_after_ninety_days(limit_request: LimitRequest) -> None:
    refuse(limit_request)
    sync()
    prune(now=NOON + 90 * DAY)
    assert RefusedUse.objects.count() == 1
    prune(now=NOON + 91 * DAY)
    assert not RefusedUse.objects.exists()
