"""Statistics in SQL: added to without Redis, and replaced by what Redis has more of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from ratelimit.models import DailyStatistics
from ratelimit.sql.reservations import native
from ratelimit.sql.usage_rows import write
from ratelimit.statistics.counts import (
    DIMENSIONS,
    Statistics,
    add_names,
    bounded,
    hours_as_json,
    hours_from_json,
    names_as_json,
    names_from_json,
)
from ratelimit.statistics.hashes import Copy
from ratelimit.statistics.tables import SubjectDay, Tables

ROWS_PER_STATEMENT = 100
COLUMNS = ("hours", *DIMENSIONS)

REPLACE = """
INSERT INTO ratelimit_dailystatistics AS kept
    (bucket, subject, day, epoch, revision, hours, permissions, networks, methods, refusals)
VALUES {rows}
ON CONFLICT (subject, day, epoch) DO UPDATE SET
    revision = excluded.revision, hours = excluded.hours, permissions = excluded.permissions,
    networks = excluded.networks, methods = excluded.methods, refusals = excluded.refusals
WHERE excluded.revision > kept.revision
"""


def keep(copies: Iterable[Copy]) -> None:
    """Store what was read from Redis. It may be repeated, late or in parallel."""
    # Every writer locks the rows in one order, to avoid deadlocks.
    found = sorted(copies, key=lambda one: (one.whose.subject.hex, one.whose.day, one.epoch))
    for start in range(0, len(found), ROWS_PER_STATEMENT):
        write(REPLACE, [_row(one) for one in found[start : start + ROWS_PER_STATEMENT]])


def _row(one: Copy) -> list[Any]:
    whose = [native(one.whose.bucket), native(one.whose.subject), one.whose.day]
    return [*whose, one.epoch, one.revision, *map(json.dumps, as_json(one.statistics).values())]


def add(tables: Tables) -> None:
    """Add the tables to the rows of the empty epoch, and remove from ``tables`` what was committed.

    Three queries for each hundred rows. Raises a database error.
    """
    order = sorted(tables, key=lambda one: (one.subject.hex, one.day))
    for start in range(0, len(order), ROWS_PER_STATEMENT):
        part = order[start : start + ROWS_PER_STATEMENT]
        _add({whose: tables[whose] for whose in part})
        for whose in part:
            del tables[whose]


@transaction.atomic
def _add(tables: Tables) -> None:
    new = [DailyStatistics(**whose._asdict()) for whose in tables]
    DailyStatistics.objects.bulk_create(new, ignore_conflicts=True)
    subjects, days = {one.subject for one in tables}, {one.day for one in tables}
    of_sql = DailyStatistics.objects.filter(epoch="", subject__in=subjects, day__in=days)
    found = []
    for row in of_sql.order_by("subject", "day").select_for_update():
        added = tables.get(SubjectDay(row.bucket, row.subject, row.day))
        if added is not None:
            _add_to(row, added)
            found.append(row)
    DailyStatistics.objects.bulk_update(found, COLUMNS)


def _add_to(row: DailyStatistics, added: Statistics) -> None:
    statistics = statistics_of(row)
    for hour, outcomes in added.hours.items():
        statistics.hours[hour].add(outcomes)
    for dimension in DIMENSIONS:
        names = getattr(statistics, dimension)
        for name, seen in getattr(added, dimension).items():
            add_names(names, {bounded(names, name): seen})
    for column, value in as_json(statistics).items():
        setattr(row, column, value)


def statistics_of(row: DailyStatistics) -> Statistics:
    names = {dimension: names_from_json(getattr(row, dimension)) for dimension in DIMENSIONS}
    return Statistics(hours_from_json(row.hours), **names)


def as_json(statistics: Statistics) -> dict[str, Any]:
    """Return the values of COLUMNS, in their order."""
    names = {dimension: names_as_json(getattr(statistics, dimension)) for dimension in DIMENSIONS}
    return {"hours": hours_as_json(statistics.hours), **names}
