"""Recent use of what staff suspend, revoke or delete, as sentences on the confirmation pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from accounts.models import Organization
from ratelimit.usage import reports
from tokens.lifecycle.organization_impact import organization_impact
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.impact import Impact, impacts

# The usage of each organization is read on its own.
MOST_ORGANIZATIONS = 20
NOT_READ = f"Its calls are not shown, because more than {MOST_ORGANIZATIONS} organizations are selected."


def of_organizations(chosen: Sequence[Organization], now: datetime) -> dict[UUID, str]:
    """Return by id the number of active programs, and their calls."""
    sentences = {one.pk: NOT_READ for one in chosen}
    for one in chosen[:MOST_ORGANIZATIONS]:
        found = organization_impact(one, now)
        programs = "1 active program" if found.programs == 1 else f"{found.programs:,} active programs"
        sentences[one.pk] = f"{programs}. {in_words(found.use)}"
    return sentences


def of_programs(
    chosen: Sequence[ServiceAccountToken] | Sequence[OAuthClient], now: datetime
) -> dict[UUID, str]:
    """Return by id the calls of tokens or clients of any organizations."""
    by_organization: dict[UUID, list[UUID]] = defaultdict(list)
    for one in chosen:
        by_organization[one.organization_id].append(one.pk)
    sentences = {one.pk: NOT_READ for one in chosen}
    for organization_id, programs in list(by_organization.items())[:MOST_ORGANIZATIONS]:
        used = reports.totals(organization_id, programs, now=now)
        for pk, impact in impacts(organization_id, used, now).items():
            sentences[pk] = in_words(impact)
    return sentences


def in_words(impact: Impact) -> str:
    """``2,310 calls in 24 hours, 14,002 in 7 days, last 2026-11-28 14:03 UTC from 203.0.113.7.``"""
    if impact.last_used_at is None:
        return "Never used."
    origin = f" from {impact.last_used_ip}" if impact.last_used_ip else ""
    last = f"{impact.last_used_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC{origin}."
    if not impact.used_in_7_days:
        return f"No call in 7 days, last {last}"
    calls = "1 call" if impact.calls_24h == 1 else f"{impact.calls_24h:,} calls"
    return f"{calls} in 24 hours, {impact.calls_7d:,} in 7 days, last {last}"
