"""The address of the last call on each of the last days, with the day's calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from ratelimit.usage import reports
from ratelimit.usage.reports import RecentAddress
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import ADDRESS, NOON, another_subject, hit, new_limit_request

pytestmark = pytest.mark.django_db
OTHER = "2001:db8::1"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.mark.usefixtures("backend")
def test_each_day_has_its_last_address_and_all_its_calls() -> None:
    limit_request = new_limit_request(100)
    other, third = another_subject(limit_request), another_subject(limit_request)
    hit(limit_request, NOON - 20 * DAY)
    hit(limit_request, NOON - 3 * DAY)
    hit(limit_request, NOON - DAY - MINUTE, ADDRESS)
    hit(limit_request, NOON - DAY, OTHER)
    hit(limit_request, NOON, ADDRESS)
    hit(other, NOON, None)
    hit(third, NOON)
    subjects = [limit_request.subject, other.subject]
    expected = {
        limit_request.subject: [
            RecentAddress(ADDRESS, NOON.date(), 1, NOON),
            RecentAddress(OTHER, NOON.date() - DAY, 2, NOON - DAY),
        ],
        other.subject: [],
    }
    assert reports.recent_addresses(limit_request.bucket, subjects, 3, now=NOON) == expected
    if settings.REDIS_URL:
        Sync()(now=NOON)
        assert reports.recent_addresses(limit_request.bucket, subjects, 3, now=NOON) == expected


def test_many_subjects_cost_one_query_and_one_round_trip(
    round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limit_request = new_limit_request(100)
    many = [another_subject(limit_request) for _ in range(10)]
    for one in many:
        hit(one)
    round_trips.clear()
    # 1: the days
    with django_assert_num_queries(1):
        found = reports.recent_addresses(limit_request.bucket, [one.subject for one in many], 30, now=NOON)
    assert {len(addresses) for addresses in found.values()} == {1}
    # 1: HGETALL for each day that Redis may have, together
    assert len(round_trips) == 1
