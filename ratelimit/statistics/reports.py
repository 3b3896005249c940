"""Reports of the statistics kept in SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.utils import timezone

from ratelimit.models import DailyStatistics
from ratelimit.statistics.counts import (
    DIMENSIONS,
    Names,
    Statistics,
    add_names,
    hours_from_json,
    names_from_json,
)


def by_day(
    bucket: UUID, subjects: Iterable[UUID], first: dt.date, last: dt.date, *, now: dt.datetime | None = None
) -> dict[UUID, dict[dt.date, Statistics]]:
    """Return each subject's statistics of each UTC day that has any, from ``first`` to ``last``."""
    found: dict[UUID, dict[dt.date, Statistics]] = {subject: {} for subject in subjects}
    rows = DailyStatistics.objects.filter(bucket=bucket, subject__in=found, day__range=(first, last))
    for subject, day, one in _read(rows.order_by("day").iterator()):
        found[subject].setdefault(day, Statistics()).add(one)
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


def _read(rows: Iterable[DailyStatistics]) -> Iterator[tuple[UUID, dt.date, Statistics]]:
    for row in rows:
        names = {dimension: names_from_json(getattr(row, dimension)) for dimension in DIMENSIONS}
        yield row.subject, row.day, Statistics(hours_from_json(row.hours), **names)
