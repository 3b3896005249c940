"""Recent use of what staff suspend, revoke or delete, as sentences on the confirmation pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from accounts.models import Organization, User
from ratelimit.usage import reports
from tokens.lifecycle.organization_impact import organization_impact
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.impact import Impact, impacts, together

# The usage of each organization is read on its own.
MOST_ORGANIZATIONS = 20
NOT_READ = f"The calls are shown for {MOST_ORGANIZATIONS} organizations at most."


def of_organizations(chosen: Sequence[Organization], now: datetime) -> dict[UUID, str]:
    """Return by id the number of active programs, and their calls."""
    sentences = {one.pk: NOT_READ for one in chosen}
    for one in chosen[:MOST_ORGANIZATIONS]:
        found = organization_impact(one, now)
        sentences[one.pk] = f"{_counted(found.programs, 'active program')}. {in_words(found.use)}"
    return sentences


def of_programs(
    chosen: Sequence[ServiceAccountToken] | Sequence[OAuthClient], now: datetime
) -> dict[UUID, str]:
    """Return by id the calls of tokens or clients of any organizations."""
    found = _impacts([(one.organization_id, one.pk) for one in chosen], now)
    return {one.pk: in_words(found[one.pk]) if one.pk in found else NOT_READ for one in chosen}


def of_people(chosen: Sequence[User], now: datetime) -> dict[UUID, str]:
    """Return by id the number of active tokens that each person is responsible for, and their calls."""
    active = ServiceAccountToken.objects.all().active(now).filter(responsible__user__in=chosen)
    tokens = list(active.values_list("responsible__user", "organization", "pk"))
    found = _impacts([(organization, pk) for _, organization, pk in tokens], now)
    sentences = {}
    for one in chosen:
        own = [pk for user, _, pk in tokens if user == one.pk]
        use = in_words(together(found[pk] for pk in own)) if found.keys() >= set(own) else NOT_READ
        sentences[one.pk] = f"{_counted(len(own), 'active API token')}{f'. {use}' if own else '.'}"
    return sentences


def _impacts(programs: Iterable[tuple[UUID, UUID]], now: datetime) -> dict[UUID, Impact]:
    """Return the impacts by id, given (organization, program) pairs; of the first organizations only."""
    by_organization: dict[UUID, list[UUID]] = defaultdict(list)
    for organization_id, pk in programs:
        by_organization[organization_id].append(pk)
    found: dict[UUID, Impact] = {}
    for organization_id, subjects in islice(by_organization.items(), MOST_ORGANIZATIONS):
        used = reports.totals(organization_id, subjects, now=now)
        found |= impacts(organization_id, used, now)
    return found


def _counted(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def in_words(impact: Impact) -> str:
    """``2,310 calls in 24 hours, 14,002 in 7 days, last 2026-11-28 14:03 UTC from 203.0.113.7.``"""
    if impact.last_used_at is None:
        return "Never used."
    origin = f" from {impact.last_used_ip}" if impact.last_used_ip else ""
    last = f"{impact.last_used_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC{origin}."
    if not impact.used_in_7_days:
        return f"No call in 7 days, last {last}"
    calls = _counted(impact.calls_24h, "call")
    return f"{calls} in 24 hours, {impact.calls_7d:,} in 7 days, last {last}"
