"""Housekeeping copies statistics from Redis to SQL, as often as it likes."""

from __future__ import annotations

from uuid import uuid4

import pytest
import redis
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from ratelimit.models import DailyStatistics
from ratelimit.statistics import reports
from ratelimit.statistics.refusals import refusals
from ratelimit.statistics.sync import StatisticsSync
from ratelimit.store.client import StoreUnavailable
from ratelimit.store.day_keys import FINISHED_KEPT_MS
from ratelimit.usage.sync import prune
from tests.ratelimit.limit_requests import NOON
from tests.ratelimit.statistics.observed import DAY, HOUR, NETWORK, Subject
from tests.ratelimit.store.own_redis import OwnRedis

pytestmark = pytest.mark.django_db


def test_a_day_is_the_same_before_and_after_it_was_copied_and_without_redis(
    redis_client: redis.Redis,
) -> None:
    subject = Subject()
    subject.observe(status=403, refused_by="permission")
    subject.observe(NOON + HOUR)
    before = subject.report()
    assert StatisticsSync()(now=NOON) == 1
    assert subject.report() == before
    redis_client.flushdb()
    assert subject.report() == before
    assert before.networks[NETWORK].count == 2


def test_no_report_of_another_organization_has_them() -> None:
    subject, stranger = Subject(), uuid4()
    subject.observe(refused_by="permission", status=403)
    StatisticsSync()(now=NOON)
    wanted, day = [subject.subject], NOON.date()
    assert reports.by_day(stranger, wanted, day, day, now=NOON) == {subject.subject: {}}
    assert reports.used_permissions(stranger, wanted, now=NOON) == {subject.subject: {}}
    assert reports.used_permission_names(stranger, wanted, now=NOON) == {subject.subject: set()}
    assert refusals(stranger, day, day) == {}
    assert refusals(subject.bucket, day, day).keys() == {"permission"}


def test_only_what_has_changed_is_read_and_stored(
    round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    subject, other = Subject(), Subject()
    sync = StatisticsSync()
    subject.observe()
    other.observe()
    # 1: both rows
    with django_assert_num_queries(1):
        assert sync(now=NOON) == 2
    with django_assert_num_queries(0):
        assert sync(now=NOON) == 0
    other.observe()
    round_trips.clear()
    # 1: the row
    with django_assert_num_queries(1):
        assert sync(now=NOON) == 1
    # 1: SCAN; 2: HMGET of each key's epoch and revision; 3: HGETALL of the changed key
    assert len(round_trips) == 3
    assert DailyStatistics.objects.get(subject=other.subject).revision == 2


def test_an_older_copy_takes_nothing_back() -> None:
    subject = Subject()
    subject.observe()
    StatisticsSync()(now=NOON)
    DailyStatistics.objects.update(revision=9, methods={})
    StatisticsSync()(now=NOON)
    row = DailyStatistics.objects.get()
    assert (row.revision, row.methods) == (9, {})
    # The report reads the greater revision as well.
    assert subject.report().methods == {}


def test_a_finished_day_is_kept_for_an_hour_after_it_was_copied(redis_client: redis.Redis) -> None:
    subject = Subject()
    subject.observe()
    [key] = redis_client.keys("tsr:{*}:statistics:*")
    assert redis_client.pttl(key) == pytest.approx(8 * 86_400_000, abs=60_000)
    StatisticsSync()(now=NOON)
    assert int(redis_client.pttl(key)) > FINISHED_KEPT_MS
    StatisticsSync()(now=NOON + DAY)
    assert 0 < int(redis_client.pttl(key)) <= FINISHED_KEPT_MS
    # A process that was late adds to the same hash, and the next copy has it.
    subject.observe()
    assert 0 < int(redis_client.pttl(key)) <= FINISHED_KEPT_MS
    StatisticsSync()(now=NOON + DAY)
    assert subject.report().outcomes.ok == 2


def test_one_round_of_housekeeping_copies_them_and_leaves_those_of_ninety_days() -> None:
    now, subject = timezone.now(), Subject()
    subject.observe(now)
    call_command("housekeeping", "--once")
    used = reports.used_permissions(subject.bucket, [subject.subject], now=now)
    assert used[subject.subject]["orders.view"].count == 1
    prune(now=now + 90 * DAY)
    assert DailyStatistics.objects.count() == 1
    prune(now=now + 91 * DAY)
    assert not DailyStatistics.objects.exists()


def test_the_statistics_of_a_subject_are_in_the_slot_of_its_bucket(redis_client: redis.Redis) -> None:
    subject = Subject()
    subject.observe()
    [key] = redis_client.keys("*")
    assert str(key).startswith(f"tsr:{{{subject.bucket.hex}}}:")


def test_without_a_store_it_is_an_error(own_redis: OwnRedis) -> None:
    own_redis.kill()
    with pytest.raises(StoreUnavailable):
        StatisticsSync()(now=NOON)
