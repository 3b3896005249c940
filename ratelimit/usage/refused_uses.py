"""Counts of uses of a secret that is no longer valid. They are charged to no plan."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ratelimit.conf import settings
from ratelimit.models import RefusedUse
from ratelimit.sql import limits, usage_details, usage_rows
from ratelimit.store import client, day_keys, usage_counters
from ratelimit.usage.ledger import sum_tallies

_count = client.Script("refused_use.lua")


@dataclass(frozen=True, slots=True)
class RefusedAddress:
    """Refused uses from one address; the empty one sums unknown addresses, and those after a day's first."""

    address: str
    count: int
    last_at: dt.datetime


def count(
    bucket: UUID, subject: UUID, address: str | None, cause: str = "", *, now: float | None = None
) -> None:
    """Count one use in one round trip, or in rows of SQL if Redis is unavailable.

    With a ``cause``, of at most 60 characters and without "|", the use is also counted for cause and address.
    Callers limit it by client address; ``now`` (epoch seconds) replaces the clock in tests.
    """
    if settings.REDIS_URL:
        clock = "" if now is None else int(now * 1000)
        most = usage_details.ADDRESSES_PER_CAUSE
        arguments = [secrets.token_hex(8), subject.hex, address or "", cause, most, clock]
        try:
            _count([f"tsr:{{{bucket.hex}}}:usage:"], arguments, with_run=True)
        except client.StoreUnavailable:
            pass
        else:
            return
    moment = dt.datetime.fromtimestamp(limits.clock() if now is None else now, dt.UTC)
    with transaction.atomic():
        usage_rows.add_refused_use(bucket, subject, moment, address)
        if cause:
            usage_details.add_refused_address(bucket, subject, cause, address or "", moment)


def by_address(
    bucket: UUID, subject: UUID, cause: str, *, now: dt.datetime | None = None
) -> list[RefusedAddress]:
    """Return the uses of the last 90 days for that cause, busiest first; one round trip and one query."""
    return by_cause(bucket, subject, now=now).get(cause, [])


def by_cause(
    bucket: UUID, subject: UUID, *, now: dt.datetime | None = None
) -> dict[str, list[RefusedAddress]]:
    """Return the uses of the last 90 days for each cause, busiest address first; as many queries."""
    fresh = usage_counters.live(bucket, *day_keys.kept_days(now or timezone.now()))
    rows = RefusedUse.objects.filter(bucket=bucket, subject=subject)
    columns = rows.values_list("cause", "address", "day", "epoch", "count", "last_at")
    parts = [((cause, address), day, epoch, count, at) for cause, address, day, epoch, count, at in columns]
    for one in (one for day in fresh.values() for one in day if one.subject == subject):
        for detail, part in one.refused_addresses.items():
            cause, _, address = detail.partition("|")
            parts.append(((cause, address), one.day, one.epoch, part.count, part.last_at))
    found: dict[str, list[RefusedAddress]] = defaultdict(list)
    for (cause, address), total in sorted(
        sum_tallies(parts).items(), key=lambda one: (-one[1].count, one[0])
    ):
        found[cause].append(RefusedAddress(address, total.count, total.last_at))
    return found
