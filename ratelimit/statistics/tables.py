"""Tables of observed requests: the statistics of each subject and UTC day that no store has yet."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from uuid import UUID

from ratelimit.statistics.counts import Names, Seen, Statistics, bounded
from ratelimit.statistics.durations import bucket_of

# While no store is available, the requests of further subjects and days are not counted.
MOST_SUBJECT_DAYS = 1_000
TOO_MANY_REQUESTS = 429


class SubjectDay(NamedTuple):
    bucket: UUID
    subject: UUID
    day: dt.date


Tables = dict[SubjectDay, Statistics]


class Observation(NamedTuple):
    """An answered request; ``at`` is in epoch seconds.

    ``permissions`` are those that it required, ``method`` has the route, such as ``GET orders-list``.
    ``refused_by`` is the name of a limit, ``permission``, or "" if the request was not refused.
    """

    bucket: UUID
    subject: UUID
    at: float
    seconds: float
    status: int
    permissions: tuple[str, ...]
    network: str
    method: str
    refused_by: str


def add(tables: Tables, one: Observation) -> None:
    moment = dt.datetime.fromtimestamp(one.at, dt.UTC)
    whose = SubjectDay(one.bucket, one.subject, moment.date())
    statistics = tables.get(whose)
    if statistics is None:
        if len(tables) >= MOST_SUBJECT_DAYS:
            return
        statistics = tables[whose] = Statistics()
    if one.refused_by:
        _see(statistics.refusals, one.refused_by, moment)
    if one.status == TOO_MANY_REQUESTS:
        return
    statistics.hours[moment.hour].count(one.status, bucket_of(one.seconds * 1000))
    for permission in one.permissions:
        _see(statistics.permissions, permission, moment)
    _see(statistics.networks, one.network, moment)
    _see(statistics.methods, one.method, moment)


def _see(names: Names, name: str, moment: dt.datetime) -> None:
    seen = names.get(name) or names.get(name := bounded(names, name))
    if seen is None:
        names[name] = Seen(1, moment, moment)
        return
    seen.count += 1
    if moment > seen.last_at:
        seen.last_at = moment
    elif moment < seen.first_at:
        seen.first_at = moment
