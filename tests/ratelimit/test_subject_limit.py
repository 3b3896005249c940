"""A subject's own daily limit within its bucket's: exact, and a refusal by one limit charges neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import Reservation
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from ratelimit.types import Decision, LimitRequest, SubjectLimit
from ratelimit.usage import reports, totals
from tests.ratelimit.limit_requests import MIDNIGHT, NOON, admitted, another_subject, hit, new_limit_request

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]
SECOND = timedelta(seconds=1)


def limited(
    requests_per_day: int, plan: int | None = None, *, burst: int | None = None, charged: bool = True
) -> LimitRequest:
    limit_request = new_limit_request(plan, burst=burst, charged=charged)
    return replace(limit_request, subject_limit=SubjectLimit("token", requests_per_day))


def remaining(decision: Decision) -> dict[str, int]:
    return {quota.name: quota.remaining for quota in decision.quotas}


@pytest.mark.parametrize("plan", [None, 100, 1000])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_exactly_the_limit_is_admitted(limit: int, plan: int | None) -> None:
    assert admitted(limited(limit, plan), limit + 5) == limit


def test_subjects_with_limits_of_their_own_share_the_buckets() -> None:
    one = limited(7, 10)
    other = another_subject(one)
    free = replace(another_subject(one), subject_limit=None)
    assert [admitted(one, 9), admitted(other, 9), admitted(free, 9)] == [7, 3, 0]


def test_another_subject_is_not_held_to_it() -> None:
    one = limited(3)
    assert admitted(one, 5) == 3
    assert admitted(another_subject(one), 5) == 3
    assert admitted(replace(another_subject(one), subject_limit=None), 20) == 20


def test_a_refusal_by_the_subjects_limit_charges_no_other() -> None:
    one = limited(2, 10, burst=5)
    assert admitted(one, 9) == 2
    assert remaining(hit(one)) == {"daily": 8, "token": 0, "burst": 3}


def test_a_refusal_by_the_buckets_limit_or_the_window_does_not_charge_the_subjects() -> None:
    one = limited(10, 3)
    assert admitted(one, 9) == 3
    assert remaining(hit(replace(one, requests_per_day=50))) == {"daily": 46, "token": 6}
    two = limited(10, 20, burst=4)
    assert admitted(two, 9) == 4
    assert remaining(hit(replace(two, window=None))) == {"daily": 15, "token": 5}


def test_both_limits_are_announced_and_count_down() -> None:
    one = limited(2, 3)
    found = [(decision.admitted, remaining(decision)) for decision in (hit(one), hit(one), hit(one))]
    assert found == [
        (True, {"daily": 2, "token": 1}),
        (True, {"daily": 1, "token": 0}),
        (False, {"daily": 1, "token": 0}),
    ]


def test_a_caller_that_the_plan_does_not_charge_is_held_to_its_own_limit() -> None:
    one = limited(2, 5, charged=False)
    assert [remaining(hit(one)) for _ in range(3)] == [{"token": 1}, {"token": 0}, {"token": 0}]
    assert remaining(hit(replace(one, charged=True, subject_limit=None))) == {"daily": 4}


def test_a_refusal_waits_for_midnight_and_the_day_begins_at_it() -> None:
    one = limited(3, 1000)
    assert admitted(one, 5, MIDNIGHT - 90 * SECOND) == 3
    refused = hit(one, MIDNIGHT - 90 * SECOND)
    assert (refused.admitted, refused.retry_after) == (False, 90)
    assert remaining(hit(one, MIDNIGHT)) == {"daily": 999, "token": 2}


def test_a_changed_limit_holds_at_once() -> None:
    one = limited(5)
    assert admitted(one, 8) == 5
    raised = replace(one, subject_limit=SubjectLimit("token", 12))
    assert admitted(raised, 20) == 7
    lowered = replace(one, subject_limit=SubjectLimit("token", 4))
    assert remaining(hit(lowered)) == {"token": 0}
    assert admitted(replace(one, subject_limit=SubjectLimit("token", 20)), 20) == 8


def test_what_an_unlimited_plan_used_counts_against_a_later_limit_of_the_plan() -> None:
    one = limited(30)
    assert admitted(one, 40) == 30
    free = replace(another_subject(one), subject_limit=None)
    assert admitted(replace(free, requests_per_day=50), 40) == 20


def test_a_refusal_counts_as_one_of_the_subject() -> None:
    one = limited(2, 100)
    admitted(one, 5)
    [day] = reports.by_day(one.bucket, NOON.date(), NOON.date(), now=NOON)
    assert (day.subject, day.calls, day.refused) == (one.subject, 2, 3)


def test_a_day_costs_sql_one_write_a_block_of_each_limit(backend: str) -> None:
    if backend == "redis":
        one = limited(BLOCKS_PER_DAY * 2, BLOCKS_PER_DAY * 4)
        for number in range(1, BLOCKS_PER_DAY * 2):
            hit(one)
            reserved = dict(Reservation.objects.values_list("bucket", "reserved"))
            assert reserved == {one.bucket: (number + 3) // 4 * 4, one.subject: (number + 1) // 2 * 2}


def test_a_repeated_refusal_costs_sql_nothing(
    backend: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    if backend == "redis":
        one = limited(1, 100)
        hit(one)
        with django_assert_num_queries(0):
            assert admitted(one, 5) == 0


def test_a_new_day_or_epoch_leaves_no_field_of_the_last_one(backend: str, redis_client: redis.Redis) -> None:
    if backend == "redis":
        one = limited(10, 100)
        for other in (one, another_subject(one), another_subject(one)):
            hit(other, MIDNIGHT - SECOND)
        meter = f"tsr:{{{one.bucket.hex}}}:meter"
        before = redis_client.hlen(meter)
        hit(one, MIDNIGHT)
        assert redis_client.hlen(meter) == before - 4
        redis_client.hset(meter, "run", "another server's")
        hit(one, MIDNIGHT)
        assert redis_client.hlen(meter) == before - 4


def test_reserved_requests_of_the_installation_count_once() -> None:
    admitted(limited(100, 100), 4)
    assert totals.read(NOON).reserved_today == 4
