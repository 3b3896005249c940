"""The day's limit: how many are admitted, when it begins anew, and what a changed plan does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import Reservation
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from tests.ratelimit.charges import MIDNIGHT, NOON, admitted, another_subject, hit, new_charge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("limit", [0, 1, 7, 100])
def test_exactly_the_limit_is_admitted(limit: int) -> None:
    assert admitted(new_charge(limit), limit + 5) == limit


def test_the_subjects_of_an_organization_share_its_day() -> None:
    one = new_charge(10)
    other = another_subject(one)
    assert admitted(one, 6) + admitted(other, 6) == 10


def test_organizations_do_not_share_a_day() -> None:
    first, second = new_charge(3), new_charge(3)
    assert admitted(first, 5) == 3
    assert hit(second).quotas[0].remaining == 2


def test_remaining_counts_down_to_nothing() -> None:
    charge = new_charge(5)
    assert [hit(charge).quotas[0].remaining for _ in range(6)] == [4, 3, 2, 1, 0, 0]


def test_a_refusal_waits_for_midnight() -> None:
    charge = new_charge(0)
    assert hit(charge, MIDNIGHT - timedelta(seconds=90)).retry_after == 90
    assert hit(charge, MIDNIGHT - timedelta(milliseconds=1)).retry_after == 1
    assert hit(charge, MIDNIGHT).retry_after == 86_400


def test_the_day_ends_at_midnight_utc() -> None:
    charge = new_charge(3)
    assert admitted(charge, 5, MIDNIGHT - SECOND / 2) == 3
    first = hit(charge, MIDNIGHT)
    assert first.admitted
    assert first.quotas[0].remaining == 2
    assert first.day_ends == (MIDNIGHT + timedelta(days=1)).timestamp()


def test_a_clock_that_goes_back_opens_no_day_again(backend: str) -> None:
    charge = new_charge(3)
    assert admitted(charge, 3, MIDNIGHT - SECOND) == 3
    today = hit(charge, MIDNIGHT)
    assert today.quotas[0].remaining == 2
    earlier = hit(charge, MIDNIGHT - SECOND)
    if backend == "redis":
        assert (earlier.admitted, earlier.day_ends) == (True, today.day_ends)
        assert earlier.quotas[0].remaining == 1
    else:
        assert not earlier.admitted


def test_a_raised_limit_admits_at_once() -> None:
    charge = new_charge(5)
    assert admitted(charge, 8) == 5
    assert admitted(replace(charge, per_day=12), 20) == 7


def test_a_lowered_limit_holds_at_once() -> None:
    charge = new_charge(100)
    assert admitted(charge, 30) == 30
    lowered = replace(charge, per_day=20)
    refused = hit(lowered)
    assert not refused.admitted
    assert (refused.quotas[0].limit, refused.quotas[0].remaining) == (20, 0)
    assert admitted(replace(charge, per_day=40), 20) == 10


def test_an_unlimited_plan_announces_and_refuses_nothing() -> None:
    charge = new_charge(None)
    decisions = [hit(charge) for _ in range(20)]
    assert all(one.admitted and one.quotas == () for one in decisions)


def test_what_was_used_without_a_limit_counts_against_a_later_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    charge = new_charge(None)
    assert admitted(charge, 30) == 30
    assert admitted(replace(charge, per_day=20), 1) == 0
    with django_assert_max_num_queries(10):
        assert hit(replace(charge, per_day=50)).quotas[0].remaining == 19
    assert admitted(replace(charge, per_day=50), 30) == 19


def test_a_caller_whom_the_plan_does_not_hold_spends_nothing_of_it() -> None:
    charge = new_charge(2)
    assert admitted(replace(charge, charged=False), 5) == 5
    assert admitted(charge, 5) == 2


def test_a_whole_day_costs_sql_one_write_a_block(backend: str) -> None:
    if backend == "redis":
        charge = new_charge(BLOCKS_PER_DAY * 2)
        for number in range(1, charge.per_day or 0):
            hit(charge)
            assert Reservation.objects.get().reserved == number + number % 2


def test_a_repeated_refusal_of_the_day_costs_sql_nothing(
    backend: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    if backend == "redis":
        charge = new_charge(1)
        hit(charge, NOON)
        with django_assert_num_queries(0):
            assert admitted(charge, 5) == 0
