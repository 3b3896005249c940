"""Recent use of programs, shown before they are revoked, paused or narrowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens.service_accounts.records import Record
from tokens.usage.networks import NetworkUse, networks_of

RECENT = timedelta(days=7)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Impact:
    """Recent use of one program, or of several together.

    Calls count from the start of the clock hour 24 hours ago, and of the UTC day 7 days ago. They are 0 if
    the last use was before that time to the second.
    """

    calls_24h: int
    calls_7d: int
    last_used_at: datetime | None
    last_used_ip: str | None
    used_in_7_days: bool
    networks: tuple[NetworkUse, ...] = ()


def impacts(organization_id: UUID, used: Mapping[UUID, Usage], now: datetime) -> dict[UUID, Impact]:
    """Return the impact of each program, by its id.

    ``used`` is what ``reports.totals`` returned for them. Three round trips and three queries for any number.
    """
    if not used:
        return {}
    last_day = reports.last_24_hours(organization_id, used, now=now)
    last_week = _last_7_days(organization_id, used, now)
    addresses = reports.recent_addresses(organization_id, used, RECENT.days + 1, now=now)
    found = {}
    for pk, usage in used.items():
        recently = _is_after(usage.last_used_at, now - RECENT)
        found[pk] = Impact(
            calls_24h=last_day[pk] if _is_after(usage.last_used_at, now - DAY) else 0,
            calls_7d=last_week.get(pk, 0) if recently else 0,
            last_used_at=usage.last_used_at,
            last_used_ip=usage.last_used_ip,
            used_in_7_days=recently,
            networks=tuple(networks_of(one for one in addresses[pk] if one.last_used_at >= now - RECENT)),
        )
    return found


def impact_of(record: Record, now: datetime) -> Impact:
    token = record.token
    return impacts(token.organization_id, {token.pk: record.usage}, now)[token.pk]


def together(parts: Iterable[Impact]) -> Impact:
    """Return the sums, and the last use of all; without networks."""
    found = list(parts)
    uses = [(one.last_used_at, one.last_used_ip) for one in found if one.last_used_at]
    last_used_at, last_used_ip = max(uses, key=lambda use: use[0], default=(None, None))
    return Impact(
        calls_24h=sum(one.calls_24h for one in found),
        calls_7d=sum(one.calls_7d for one in found),
        last_used_at=last_used_at,
        last_used_ip=last_used_ip,
        used_in_7_days=any(one.used_in_7_days for one in found),
    )


def _last_7_days(organization_id: UUID, used: Mapping[UUID, Usage], now: datetime) -> dict[UUID, int]:
    last = now.astimezone(UTC).date()
    calls = dict.fromkeys(used, 0)
    for row in reports.by_day(organization_id, last - RECENT, last, subjects=used, now=now):
        calls[row.subject] += row.calls
    return calls


def _is_after(moment: datetime | None, since: datetime) -> bool:
    return moment is not None and moment >= since
