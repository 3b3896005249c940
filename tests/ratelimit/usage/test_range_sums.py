"""Sums of months and of refusals: summed by the database, and exact before and after the copy from Redis."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import DailyStatistics, DailyUsage
from ratelimit.statistics.refusals import refusals
from ratelimit.types import LimitRequest
from ratelimit.usage import range_sums, refused_uses
from ratelimit.usage.range_sums import MonthUsage, Refused
from ratelimit.usage.sync import Sync
from tests.ratelimit.limit_requests import ADDRESS, NOON, another_subject, hit, new_limit_request

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TODAY = NOON.date()


def store(limit_request: LimitRequest, day: date, calls: int, refused: int = 0, epoch: str = "") -> None:
    DailyUsage.objects.create(
        bucket=limit_request.bucket,
        subject=limit_request.subject,
        day=day,
        epoch=epoch,
        calls=calls,
        refused=refused,
    )


def by_month(limit_request: LimitRequest, first: date = date(2029, 7, 1)) -> list[MonthUsage]:
    return range_sums.by_month(limit_request.bucket, first, TODAY, now=NOON)


def refuse(limit_request: LimitRequest, cause: str, now: datetime = NOON, address: str = ADDRESS) -> None:
    refused_uses.count(limit_request.bucket, limit_request.subject, address, cause, now=now.timestamp())


def copies() -> range:
    """Before the copy, after it, and after it was repeated."""
    return range(3 if settings.REDIS_URL else 1)


@pytest.mark.usefixtures("backend")
def test_a_month_has_its_days_of_all_epochs_and_the_calls_of_today() -> None:
    limit_request = new_limit_request(2)
    for day, epoch in ((date(2030, 6, 1), ""), (date(2030, 6, 1), "a"), (date(2030, 5, 31), "b")):
        store(limit_request, day, 100, refused=3, epoch=epoch)
    store(limit_request, date(2029, 6, 30), 7)
    for now in (NOON - DAY, NOON, NOON, NOON):
        hit(limit_request, now)
    for _ in copies():
        assert by_month(limit_request) == [
            MonthUsage(date(2030, 5, 1), limit_request.subject, 100, 3),
            MonthUsage(date(2030, 6, 1), limit_request.subject, 203, 7),
        ]
        if settings.REDIS_URL:
            Sync()(now=NOON)


def test_each_subject_of_the_bucket_alone_is_summed() -> None:
    limit_request = new_limit_request()
    other = another_subject(limit_request)
    hit(new_limit_request())
    for one in (limit_request, other, other):
        hit(one)
    assert sorted((row.calls, row.subject) for row in by_month(limit_request)) == [
        (1, limit_request.subject),
        (2, other.subject),
    ]


@pytest.mark.usefixtures("backend")
def test_refusals_are_counted_in_all_and_by_cause() -> None:
    limit_request = new_limit_request(0)
    other = another_subject(limit_request)
    hit(limit_request)
    for day in (1, 8, 400):
        refuse(limit_request, "rotated:1", NOON - day * DAY)
    refuse(limit_request, "rotated:1", address="192.0.2.9")
    refuse(other, "rotated:1")
    refuse(other, "address")
    refuse(other, "")
    for _ in copies():
        found = range_sums.refused(limit_request.bucket, TODAY - 89 * DAY, TODAY, now=NOON)
        assert found == Refused(1, 6, {"rotated:1": 4, "address": 1})
        if settings.REDIS_URL:
            Sync()(now=NOON)
    today = range_sums.refused(limit_request.bucket, TODAY, TODAY, now=NOON)
    assert today == Refused(1, 4, {"rotated:1": 2, "address": 1})


def test_a_bucket_without_requests_has_none() -> None:
    limit_request = new_limit_request()
    assert by_month(limit_request) == []
    assert range_sums.refused(limit_request.bucket, TODAY, TODAY, now=NOON) == Refused(0, 0, {})


def test_statistics_of_refusals_are_summed_over_subjects_and_days() -> None:
    limit_request = new_limit_request()
    at = round(NOON.timestamp() * 1000)
    for one, day, names in (
        (limit_request, TODAY, {"daily": [2, at, at], "burst": [1, at, at]}),
        (another_subject(limit_request), TODAY - DAY, {"daily": [3, at, at]}),
        (limit_request, TODAY - 2 * DAY, {"daily": [100, at, at]}),
        (new_limit_request(), TODAY, {"daily": [100, at, at]}),
    ):
        DailyStatistics.objects.create(bucket=one.bucket, subject=one.subject, day=day, refusals=names)
    found = refusals(limit_request.bucket, TODAY - DAY, TODAY)
    assert {name: seen.count for name, seen in found.items()} == {"daily": 5, "burst": 1}


def test_it_costs_one_query_for_months_two_for_refusals_and_one_for_statistics(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    limit_request = new_limit_request()
    hit(limit_request)
    # 1: the sums of each month and subject
    with django_assert_num_queries(1):
        by_month(limit_request)
    # 1: refused calls and uses; 2: uses by cause
    with django_assert_num_queries(2):
        range_sums.refused(limit_request.bucket, TODAY, TODAY, now=NOON)
    # 1: the refusals of each day and subject
    with django_assert_num_queries(1):
        refusals(limit_request.bucket, TODAY, TODAY)
