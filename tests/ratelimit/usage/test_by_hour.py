"""Calls and refusals by hour, exact as those of the day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import HourlyUsage
from ratelimit.usage import reports
from ratelimit.usage.reports import HourUsage
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import NOON, another_subject, hit, new_limit_request

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.mark.usefixtures("backend")
def test_an_hour_has_its_calls_and_its_refusals() -> None:
    limit_request = new_limit_request(2)
    other = another_subject(limit_request)
    hit(limit_request, NOON - HOUR)
    for one in (other, limit_request, limit_request):
        hit(one)
    expected = [
        HourUsage(NOON - HOUR, limit_request.subject, 1, 0),
        *sorted(
            [HourUsage(NOON, limit_request.subject, 0, 2), HourUsage(NOON, other.subject, 1, 0)],
            key=lambda one: one.subject,
        ),
    ]
    assert reports.by_hour(limit_request.bucket, NOON - HOUR, NOON, now=NOON) == expected
    of_other = reports.by_hour(limit_request.bucket, NOON, NOON, subjects=[other.subject], now=NOON)
    assert of_other == [HourUsage(NOON, other.subject, 1, 0)]


def test_an_hour_is_the_same_before_and_after_it_was_copied() -> None:
    limit_request = new_limit_request(1)
    hit(limit_request)
    hit(limit_request)
    for refused in (1, 2):
        for _ in range(2):
            found = reports.by_hour(limit_request.bucket, NOON, NOON, now=NOON)
            assert found == [HourUsage(NOON, limit_request.subject, 1, refused)]
            Sync()(now=NOON)
        assert HourlyUsage.objects.values_list("calls", "refused").get() == (1, refused)
        hit(limit_request)


@pytest.mark.usefixtures("backend")
def test_the_report_begins_with_the_hour_of_its_first_moment_and_ends_with_that_of_its_last() -> None:
    limit_request = new_limit_request(10)
    for hours in (-1, 0, 1):
        hit(limit_request, NOON + hours * HOUR)
    later = NOON + timedelta(minutes=59)
    found = reports.by_hour(limit_request.bucket, later, later, now=NOON + HOUR)
    assert found == [HourUsage(NOON, limit_request.subject, 1, 0)]


def test_it_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    limit_request = new_limit_request(10)
    # 1: the hours' rows
    with django_assert_num_queries(1):
        reports.by_hour(limit_request.bucket, NOON - HOUR, NOON, now=NOON)
