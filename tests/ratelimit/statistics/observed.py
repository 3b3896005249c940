"""Observed requests of subjects that no other test uses, around a fixed noon."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ratelimit.statistics import reports
from ratelimit.statistics.counts import Statistics
from ratelimit.statistics.observations import gatherer
from ratelimit.statistics.tables import Observation
from tests.ratelimit.limit_requests import NOON

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NETWORK = "192.0.2.0/24"


class Subject:
    """A token of an organization, whose requests are observed and reported."""

    def __init__(self, bucket: UUID | None = None) -> None:
        self.bucket, self.subject = bucket or uuid4(), uuid4()

    def seen(self, at: datetime = NOON, **values: Any) -> Observation:
        fields: dict[str, Any] = {
            "seconds": 0.004,
            "status": 200,
            "permissions": ("orders.view",),
            "network": NETWORK,
            "method": "GET orders-list",
            "refused_by": "",
        }
        return Observation(self.bucket, self.subject, at.timestamp(), **fields | values)

    def observe(self, at: datetime = NOON, **values: Any) -> None:
        """Observe a request, and add it to a store."""
        gatherer.observe(self.seen(at, **values))
        gatherer.flush()

    def report(self, day: datetime = NOON) -> Statistics:
        found = reports.by_day(self.bucket, [self.subject], day.date(), day.date(), now=day)
        return found[self.subject].get(day.date(), Statistics())
