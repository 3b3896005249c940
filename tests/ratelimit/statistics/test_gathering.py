"""What is observed is in the day's statistics after the next flush, in Redis as without it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import DailyStatistics
from ratelimit.statistics import observations
from ratelimit.statistics.counts import MOST_NAMES, Outcomes, Seen
from ratelimit.statistics.observations import Gatherer, gatherer
from ratelimit.statistics.sync import StatisticsSync
from tests.ratelimit.limit_requests import NOON
from tests.ratelimit.statistics.observed import DAY, HOUR, NETWORK, Subject

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.mark.usefixtures("backend")
def test_an_hour_has_its_outcomes_and_durations_by_class() -> None:
    subject = Subject()
    for status in (200, 204, 302, 403, 400, 404, 500, 503):
        subject.observe(status=status)
    subject.observe(NOON + HOUR, seconds=60.0)
    expected = {
        12: Outcomes(ok=3, denied=1, invalid=2, failed=2, durations={3: 8}),  # type: ignore[arg-type]
        13: Outcomes(ok=1, durations={21: 1}),  # type: ignore[arg-type]
    }
    assert subject.report().hours == expected


@pytest.mark.usefixtures("backend")
def test_a_refusal_by_a_limit_is_counted_by_the_limit_alone() -> None:
    subject = Subject()
    subject.observe(status=429, refused_by="daily")
    subject.observe(status=429, refused_by="burst")
    subject.observe(status=429, refused_by="daily")
    found = subject.report()
    assert {name: seen.count for name, seen in found.refusals.items()} == {"daily": 2, "burst": 1}
    assert (found.hours, found.permissions, found.networks, found.methods) == ({}, {}, {}, {})


@pytest.mark.usefixtures("backend")
def test_names_have_a_count_and_the_first_and_last_moment() -> None:
    subject = Subject()
    later, first, last = NOON + SECOND, NOON - SECOND, NOON + 2 * SECOND
    for moment in (later, first, last):
        subject.observe(moment, permissions=("orders.view", "index:read:*"))
    seen = Seen(3, first, last)
    found = subject.report()
    assert found.permissions == {"orders.view": seen, "index:read:*": seen}
    assert found.networks == {NETWORK: seen}
    assert found.methods == {"GET orders-list": seen}


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("at_a_time", [1, 200])
def test_names_after_the_first_fifty_of_a_day_are_counted_together(at_a_time: int) -> None:
    subject = Subject()
    names = [f"GET route-{number}" for number in range(MOST_NAMES + 3)]
    for number, name in enumerate([*names, *names], 1):
        gatherer.observe(subject.seen(method=name))
        if number % at_a_time == 0:
            gatherer.flush()
    gatherer.flush()
    found = {name: seen.count for name, seen in subject.report().methods.items()}
    assert found == dict.fromkeys(names[:MOST_NAMES], 2) | {"": 6}


@pytest.mark.usefixtures("backend")
def test_subjects_and_utc_days_are_separate() -> None:
    subject = Subject()
    other = Subject(subject.bucket)
    for at in (NOON, NOON + 12 * HOUR - SECOND, NOON + 12 * HOUR):
        gatherer.observe(subject.seen(at))
    other.observe()
    assert [subject.report(day).outcomes.ok for day in (NOON - DAY, NOON, NOON + DAY)] == [0, 2, 1]
    assert other.report().outcomes.ok == 1


def test_a_flushed_redis_begins_a_new_epoch_which_is_added_to_what_was_copied(
    redis_client: redis.Redis,
) -> None:
    subject = Subject()
    for _ in range(3):
        subject.observe()
    StatisticsSync()(now=NOON)
    redis_client.flushdb()
    subject.observe()
    assert subject.report().outcomes.ok == 4
    StatisticsSync()(now=NOON)
    assert subject.report().outcomes.ok == 4
    assert DailyStatistics.objects.count() == 2


def test_a_server_that_lost_its_scripts_gets_this_one_again(redis_client: redis.Redis) -> None:
    subject, other = Subject(), Subject()
    subject.observe()
    redis_client.script_flush()
    gatherer.observe(other.seen())
    subject.observe()
    assert [one.report().outcomes.ok for one in (subject, other)] == [2, 1]
    assert not DailyStatistics.objects.exists()


def test_of_more_requests_than_the_queue_holds_the_oldest_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observations, "MOST_QUEUED", 10)
    subject, process = Subject(), Gatherer()
    for number in range(15):
        process.observe(subject.seen(method=f"GET {number}"))
    process.flush()
    assert subject.report().methods.keys() == {f"GET {number}" for number in range(5, 15)}


def test_a_flush_costs_one_round_trip_for_all_subjects(
    round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Subject().observe()
    round_trips.clear()
    for subject in [Subject() for _ in range(20)]:
        gatherer.observe(subject.seen())
    with django_assert_num_queries(0):
        gatherer.flush()
    # 1: EVAL of add_statistics.lua and EVALSHA for the other subjects, in one pipeline
    assert len(round_trips) == 1
    with django_assert_num_queries(0):
        gatherer.flush()
    # A flush without a request costs nothing.
    assert len(round_trips) == 1


@pytest.mark.parametrize("backend", ["sql"], indirect=True)
def test_without_redis_a_flush_costs_three_queries_for_all_subjects(
    backend: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for subject in [Subject() for _ in range(20)]:
        gatherer.observe(subject.seen())
    # 1: SAVEPOINT; 2: missing rows; 3: all rows, locked; 4: their new values; 5: RELEASE SAVEPOINT
    with django_assert_num_queries(5):
        gatherer.flush()


def test_a_report_costs_one_round_trip_and_one_query(
    round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    subject = Subject()
    subject.observe()
    round_trips.clear()
    # 1: the days' rows
    with django_assert_num_queries(1):
        assert subject.report().outcomes.ok == 1
    # 1: HGETALL of each subject and day
    assert len(round_trips) == 1
