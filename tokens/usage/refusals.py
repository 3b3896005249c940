"""Refused requests by reason, for the usage page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from ratelimit.statistics import refusals as statistics
from ratelimit.usage import range_sums

# Reasons are kept for this many days.
DAYS_KEPT = 90
# By the names of the limits and of the refusals in the statistics.
LIMITS = {
    "daily": "Over the plan’s daily limit",
    "token": "Over a token’s own daily limit",
    "burst": "Over the limit per minute",
}
# Those that are not counted as calls over a limit of the plan or of a token.
OTHERS = {"other": "Over the limit of one action", "permission": "Without the permission (403)"}
UNKNOWN_LIMIT = "Over a limit that was not recorded"
# By the part of a cause before its colon.
CAUSES = {
    "paused": "Token was paused",
    "rotated": "Old secret after a rotation",
    "address": "Address was not allowed",
}
OTHER_CAUSE = "Revoked, expired or wrong secret"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason with its requests. Statistics, which are not exact, may lack a second of a stopped process."""

    label: str
    count: int
    is_exact: bool


def refusals(organization_id: UUID, first: date, last: date, now: datetime) -> list[Reason]:
    """Return the reasons with requests in a fixed order: one round trip and three queries.

    Days before the last DAYS_KEPT are left out.
    """
    first = max(first, last - timedelta(days=DAYS_KEPT - 1))
    exact = range_sums.refused(organization_id, first, last, now=now)
    seen = {name: one.count for name, one in statistics.refusals(organization_id, first, last).items()}
    uses = Counter[str]()
    for cause, count in exact.by_cause.items():
        uses[cause.partition(":")[0]] += count
    limits = {name: seen.get(name, 0) for name in LIMITS}
    reasons = [
        *(Reason(LIMITS[name], count, is_exact=False) for name, count in limits.items()),
        Reason(UNKNOWN_LIMIT, exact.over_limit - sum(limits.values()), is_exact=False),
        *(Reason(label, seen.get(name, 0), is_exact=False) for name, label in OTHERS.items()),
        *(Reason(label, uses[cause], is_exact=True) for cause, label in CAUSES.items()),
        Reason(OTHER_CAUSE, exact.uses - sum(uses[cause] for cause in CAUSES), is_exact=True),
    ]
    return [reason for reason in reasons if reason.count > 0]
