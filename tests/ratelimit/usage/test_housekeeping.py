"""`manage.py housekeeping`: rounds outlive their stores, end on a signal, and may be killed at any point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Sum

from ratelimit.models import DailyUsage
from tests.ratelimit.limit_requests import admitted, new_limit_request
from tests.ratelimit.store.own_redis import OwnRedis
from tests.support.servers import ROOT, database_url, end_with_parent
from tests.support.waiting import PATIENCE, wait_until

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(own_redis: OwnRedis) -> Iterator[Start]:
    """Starts housekeeping processes on the test's own Redis; they end with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = {"DATABASE_URL": database_url(), "REDIS_URL": own_redis.url}
        process = subprocess.Popen(
            [sys.executable, "manage.py", "housekeeping", "--every", "0.02"],
            cwd=ROOT,
            env=os.environ | environment | {"SECRET_KEY": settings.SECRET_KEY},
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def stored() -> int:
    return DailyUsage.objects.aggregate(calls=Sum("calls"))["calls"] or 0


def wait_until_stored(count: int) -> None:
    wait_until(lambda: stored() >= count, lambda: f"{stored()} of {count} calls were stored")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.django_db
def test_one_round_stores_what_was_counted() -> None:
    admitted(new_limit_request(), 3, now())
    call_command("housekeeping", "--once")
    call_command("housekeeping", "--once")
    assert stored() == 3


@pytest.mark.django_db
def test_one_round_fails_where_the_store_is_down(own_redis: OwnRedis) -> None:
    own_redis.kill()
    with pytest.raises(CommandError, match="A store does not answer"):
        call_command("housekeeping", "--once")


@pytest.mark.django_db
@pytest.mark.parametrize("backend", ["sql"], indirect=True)
def test_one_round_without_a_store_has_nothing_to_drain(backend: str) -> None:
    admitted(new_limit_request(), 3, now())
    call_command("housekeeping", "--once")
    assert stored() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stores_in_rounds_and_ends_when_told_to(start: Start, number: signal.Signals) -> None:
    process = start()
    limit_request = new_limit_request()
    admitted(limit_request, 3, now())
    wait_until_stored(3)
    admitted(limit_request, 2, now())
    wait_until_stored(5)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0


@pytest.mark.django_db(transaction=True)
def test_it_outlives_its_store(start: Start, own_redis: OwnRedis) -> None:
    limit_request = new_limit_request()
    process = start()
    admitted(limit_request, 1, now())
    wait_until_stored(1)
    own_redis.kill()
    own_redis.start()
    admitted(limit_request, 4, now())
    wait_until_stored(5)
    assert process.poll() is None


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_point_and_run_in_copies_it_counts_everything_once(start: Start) -> None:
    limit_request = new_limit_request(1_000_000)
    processes, count = [start(), start()], 0
    for tries in (40, 70):
        wait_until_stored(count)
        count += admitted(limit_request, tries, now())
        processes.pop(0).kill()
        processes.append(start())
        count += admitted(limit_request, tries, now())
        assert stored() <= count
    wait_until_stored(count)
    call_command("housekeeping", "--once")
    assert stored() == count == 220
