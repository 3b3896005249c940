"""Processes and threads that add to the statistics, or copy them, at once."""

from __future__ import annotations

from functools import partial

import pytest
from pytest_django import Settings

from ratelimit.models import DailyStatistics
from ratelimit.statistics.observations import Gatherer
from ratelimit.statistics.sync import StatisticsSync
from tests.ratelimit.limit_requests import NOON
from tests.ratelimit.statistics.observed import Subject
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("backend")
def test_processes_that_flush_at_once_lose_nothing() -> None:
    subjects = [Subject() for _ in range(5)]
    processes = [Gatherer() for _ in range(4)]
    for _ in range(5):
        for process in processes:
            for one in (*subjects, *subjects):
                process.observe(one.seen())
        outcomes = at_once([process.flush for process in processes])
        assert outcomes == [None] * 4
    assert [one.report().outcomes.ok for one in subjects] == [40] * 5
    assert [one.report().methods["GET orders-list"].count for one in subjects] == [40] * 5


def test_a_process_needs_no_thread_without_seconds() -> None:
    process = Gatherer()
    at_once([partial(process.observe, Subject().seen())] * 4)
    assert process._thread is None


def test_all_requests_of_a_process_start_one_thread(settings: Settings) -> None:
    settings.STATISTICS_SECONDS = 3_600.0
    process = Gatherer()
    at_once([partial(process.observe, Subject().seen())] * 8)
    thread = process._thread
    assert thread is not None
    assert thread.is_alive()
    process.observe(Subject().seen())
    assert process._thread is thread


def test_copies_at_once_count_nothing_twice() -> None:
    subjects = [Subject() for _ in range(10)]
    for number in range(1, 6):
        for one in subjects:
            one.observe()
        outcomes = at_once([partial(StatisticsSync(), now=NOON) for _ in range(4)])
        assert outcomes == [10] * 4
        assert set(DailyStatistics.objects.values_list("revision", flat=True)) == {number}
    assert [one.report().outcomes.ok for one in subjects] == [5] * 10
    assert DailyStatistics.objects.count() == 10
