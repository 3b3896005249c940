"""Statistics through outages: SQL has what Redis could not take, and a process keeps what no store could."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from ratelimit.models import DailyStatistics
from ratelimit.statistics import tables
from ratelimit.statistics.observations import gatherer
from ratelimit.statistics.sync import StatisticsSync
from tests.ratelimit.limit_requests import NOON
from tests.ratelimit.statistics.observed import Subject
from tests.ratelimit.store.own_redis import OwnRedis

pytestmark = pytest.mark.django_db


@contextmanager
def missing_table() -> Iterator[None]:
    """SQL refuses every statement about the statistics for a while."""
    rename = "ALTER TABLE {} RENAME TO {}"
    table, hidden = "ratelimit_dailystatistics", "ratelimit_hidden"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, hidden))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format(hidden, table))


def test_while_redis_is_down_sql_has_them_and_afterwards_both_are_added(own_redis: OwnRedis) -> None:
    subject = Subject()
    subject.observe()
    StatisticsSync()(now=NOON)
    own_redis.kill()
    for _ in range(3):
        subject.observe()
    assert subject.report().outcomes.ok == 4
    own_redis.start()
    subject.observe()
    assert subject.report().outcomes.ok == 5
    StatisticsSync()(now=NOON)
    assert subject.report().outcomes.ok == 5
    assert sorted(DailyStatistics.objects.values_list("revision", flat=True)) == [0, 1, 1]


def test_a_redis_that_comes_back_older_takes_nothing_back_that_was_copied(own_redis: OwnRedis) -> None:
    subject = Subject()
    subject.observe()
    own_redis.snapshot()
    for _ in range(3):
        subject.observe()
    StatisticsSync()(now=NOON)
    own_redis.restart_from_snapshot()
    assert subject.report().outcomes.ok == 4
    subject.observe()
    assert subject.report().outcomes.ok == 5
    StatisticsSync()(now=NOON)
    assert subject.report().outcomes.ok == 5


def test_a_restarted_redis_still_has_what_was_not_copied(own_redis: OwnRedis) -> None:
    subject = Subject()
    for _ in range(2):
        subject.observe()
    own_redis.snapshot()
    own_redis.restart_from_snapshot()
    subject.observe()
    assert StatisticsSync()(now=NOON) == 2
    assert subject.report().outcomes.ok == 3
    assert sorted(DailyStatistics.objects.values_list("revision", flat=True)) == [1, 2]


def test_what_a_hanging_redis_adds_late_is_counted_twice(own_redis: OwnRedis) -> None:
    subject = Subject()
    subject.observe()
    own_redis.pause()
    subject.observe()
    own_redis.resume()
    assert subject.report().outcomes.ok in (2, 3)


@pytest.mark.django_db(transaction=True)
def test_while_both_stores_are_down_the_process_keeps_them(own_redis: OwnRedis) -> None:
    subject = Subject()
    own_redis.kill()
    with missing_table():
        for _ in range(3):
            subject.observe()
    assert not DailyStatistics.objects.exists()
    gatherer.flush()
    assert subject.report().outcomes.ok == 3


@pytest.mark.django_db(transaction=True)
def test_while_both_stores_are_down_further_subjects_are_not_counted(
    own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_SUBJECT_DAYS", 2)
    subjects = [Subject() for _ in range(4)]
    own_redis.kill()
    with missing_table():
        for one in (*subjects, *subjects):
            one.observe()
    own_redis.start()
    gatherer.flush()
    assert [one.report().outcomes.ok for one in subjects] == [2, 2, 0, 0]
