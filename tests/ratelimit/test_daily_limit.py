"""The day's limit: how many are admitted, when it begins anew, and what a changed plan does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import Reservation
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from tests.ratelimit.limit_requests import MIDNIGHT, NOON, admitted, another_subject, hit, new_limit_request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("limit", [0, 1, 7, 100])
def test_exactly_the_limit_is_admitted(limit: int) -> None:
    assert admitted(new_limit_request(limit), limit + 5) == limit


def test_the_subjects_of_an_organization_share_its_day() -> None:
    one = new_limit_request(10)
    other = another_subject(one)
    assert admitted(one, 6) + admitted(other, 6) == 10


def test_organizations_do_not_share_a_day() -> None:
    first, second = new_limit_request(3), new_limit_request(3)
    assert admitted(first, 5) == 3
    assert hit(second).quotas[0].remaining == 2


def test_remaining_counts_down_to_nothing() -> None:
    limit_request = new_limit_request(5)
    assert [hit(limit_request).quotas[0].remaining for _ in range(6)] == [4, 3, 2, 1, 0, 0]


def test_a_refusal_waits_for_midnight() -> None:
    limit_request = new_limit_request(0)
    assert hit(limit_request, MIDNIGHT - timedelta(seconds=90)).retry_after == 90
    assert hit(limit_request, MIDNIGHT - timedelta(milliseconds=1)).retry_after == 1
    assert hit(limit_request, MIDNIGHT).retry_after == 86_400


def test_the_day_ends_at_midnight_utc() -> None:
    limit_request = new_limit_request(3)
    assert admitted(limit_request, 5, MIDNIGHT - SECOND / 2) == 3
    first = hit(limit_request, MIDNIGHT)
    assert first.admitted
    assert first.quotas[0].remaining == 2
    assert first.day_ends == (MIDNIGHT + timedelta(days=1)).timestamp()


def test_a_clock_that_goes_back_opens_no_day_again(backend: str) -> None:
    limit_request = new_limit_request(3)
    assert admitted(limit_request, 3, MIDNIGHT - SECOND) == 3
    today = hit(limit_request, MIDNIGHT)
    assert today.quotas[0].remaining == 2
    earlier = hit(limit_request, MIDNIGHT - SECOND)
    if backend == "redis":
        assert (earlier.admitted, earlier.day_ends) == (True, today.day_ends)
        assert earlier.quotas[0].remaining == 1
    else:
        assert not earlier.admitted


def test_a_raised_limit_admits_at_once() -> None:
    limit_request = new_limit_request(5)
    assert admitted(limit_request, 8) == 5
    assert admitted(replace(limit_request, requests_per_day=12), 20) == 7


def test_a_lowered_limit_holds_at_once() -> None:
    limit_request = new_limit_request(100)
    assert admitted(limit_request, 30) == 30
    lowered = replace(limit_request, requests_per_day=20)
    refused = hit(lowered)
    assert not refused.admitted
    assert (refused.quotas[0].limit, refused.quotas[0].remaining) == (20, 0)
    assert admitted(replace(limit_request, requests_per_day=40), 20) == 10


def test_an_unlimited_plan_announces_and_refuses_nothing() -> None:
    limit_request = new_limit_request(None)
    decisions = [hit(limit_request) for _ in range(20)]
    assert all(one.admitted and one.quotas == () for one in decisions)


def test_what_was_used_without_a_limit_counts_against_a_later_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    limit_request = new_limit_request(None)
    assert admitted(limit_request, 30) == 30
    assert admitted(replace(limit_request, requests_per_day=20), 1) == 0
    with django_assert_max_num_queries(10):
        assert hit(replace(limit_request, requests_per_day=50)).quotas[0].remaining == 19
    assert admitted(replace(limit_request, requests_per_day=50), 30) == 19


def test_a_caller_whom_the_plan_does_not_hold_spends_nothing_of_it() -> None:
    limit_request = new_limit_request(2)
    assert admitted(replace(limit_request, charged=False), 5) == 5
    assert admitted(limit_request, 5) == 2


def test_a_whole_day_costs_sql_one_write_a_block(backend: str) -> None:
    if backend == "redis":
        limit_request = new_limit_request(BLOCKS_PER_DAY * 2)
        for number in range(1, limit_request.requests_per_day or 0):
            hit(limit_request)
            assert Reservation.objects.get().reserved == number + number % 2


def test_a_repeated_refusal_of_the_day_costs_sql_nothing(
    backend: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    if backend == "redis":
        limit_request = new_limit_request(1)
        hit(limit_request, NOON)
        with django_assert_num_queries(0):
            assert admitted(limit_request, 5) == 0
