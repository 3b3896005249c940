"""Reports of the statistics in Redis and SQL. Of an epoch that both have, the greater revision is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from operator import itemgetter
from uuid import UUID

from django.utils import timezone

from ratelimit.models import DailyStatistics
from ratelimit.statistics import hashes
from ratelimit.statistics.counts import Names, Statistics, add_names, names_from_json
from ratelimit.statistics.rows import statistics_of
from ratelimit.store import day_keys


def by_day(
    bucket: UUID, subjects: Iterable[UUID], first: dt.date, last: dt.date, *, now: dt.datetime | None = None
) -> dict[UUID, dict[dt.date, Statistics]]:
    """Return each subject's statistics of each UTC day that has any, from ``first`` to ``last``.

    It has every request that was answered a second ago. Takes one round trip and one query.
    """
    wanted = set(subjects)
    kept_first, kept_last = day_keys.kept_days(now or timezone.now())
    parts = {
        (one.whose.subject, one.whose.day, one.epoch): (one.revision, one.statistics)
        for one in hashes.live(bucket, wanted, max(first, kept_first), min(last, kept_last))
    }
    rows = DailyStatistics.objects.filter(bucket=bucket, subject__in=wanted, day__range=(first, last))
    for row in rows.iterator():
        part = (row.subject, row.day, row.epoch)
        if part not in parts or row.revision > parts[part][0]:
            parts[part] = (row.revision, statistics_of(row))
    found: dict[UUID, dict[dt.date, Statistics]] = {subject: {} for subject in wanted}
    for (subject, day, _), (_, statistics) in sorted(parts.items(), key=itemgetter(0)):
        found[subject].setdefault(day, Statistics()).add(statistics)
    return found


def used_permissions(
    bucket: UUID, subjects: Iterable[UUID], days: int = 30, *, now: dt.datetime | None = None
) -> dict[UUID, Names]:
    """Return the permissions that each subject's requests required in the last ``days`` UTC days; one query.

    It has what was copied to SQL, at most a minute ago.
    """
    found: dict[UUID, Names] = {subject: {} for subject in subjects}
    for subject, permissions in _permissions(bucket, found, days, now):
        add_names(found[subject], names_from_json(permissions))
    return found


def used_permission_names(
    bucket: UUID, subjects: Iterable[UUID], days: int = 30, *, now: dt.datetime | None = None
) -> dict[UUID, set[str]]:
    """Return the names alone of ``used_permissions``, in half of its time for a list of subjects."""
    found: dict[UUID, set[str]] = {subject: set() for subject in subjects}
    for subject, permissions in _permissions(bucket, found, days, now):
        found[subject].update(permissions)
    return found


def _permissions(
    bucket: UUID, subjects: Iterable[UUID], days: int, now: dt.datetime | None
) -> Iterable[tuple[UUID, dict[str, list[int]]]]:
    first = (now or timezone.now()).astimezone(dt.UTC).date() - dt.timedelta(days=days - 1)
    rows = DailyStatistics.objects.filter(bucket=bucket, subject__in=subjects, day__gte=first)
    return rows.exclude(permissions={}).values_list("subject", "permissions")
