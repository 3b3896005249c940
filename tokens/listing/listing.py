"""The list of tokens: one page of rows with their calls, and the counts of the tabs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.paginator import Page, Paginator

from accounts.models import Membership
from ratelimit.statistics import reports as statistics
from ratelimit.usage import reports
from tokens.listing.filters import Filters
from tokens.listing.permission_chips import PermissionChips
from tokens.listing.query import chosen_ids
from tokens.listing.rows import Row, rows, tokens_of
from tokens.models import TokenQuerySet
from tokens.service_accounts.unused import is_unused
from tokens.usage import permission_use

PER_PAGE = 50
CALL_DAYS = 30


@dataclass(frozen=True, slots=True)
class ListedRow(Row):
    """A row with its calls, and the permissions they required, of the last CALL_DAYS UTC days."""

    calls: Mapping[date, int]
    required: Collection[str]

    @property
    def chips(self) -> PermissionChips:
        return PermissionChips(self.token.permissions, shown=1)

    @property
    def is_unused(self) -> bool:
        """Whether it works and is not used."""
        return self.is_live and is_unused(self.token.created_at, self.usage.last_used_at, self.now)

    @property
    def used_permissions(self) -> list[str] | None:
        """Its permissions that calls needed; None if all did, or if that is not known."""
        held = self.token.permissions
        if not self.is_live or not permission_use.is_known(self.token.created_at, self.required, self.now):
            return None
        used = permission_use.used_of(held, self.required)
        return used if len(used) < len(held) else None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of rows and the counts of every tab."""

    rows: list[ListedRow]
    page: Page[UUID]
    counts: dict[str, int]

    @property
    def limit(self) -> int:
        return settings.ACTIVE_TOKENS_PER_ORGANIZATION

    @property
    def is_full(self) -> bool:
        return self.counts["active"] >= self.limit


def listing(member: Membership, filters: Filters, page: str | None, now: datetime) -> Listing:
    """Return one page as the member sees it, in a constant number of queries."""
    mine = tokens_of(member.organization)
    ids = chosen_ids(member.organization_id, mine, filters, member.user, now)
    found = Paginator(ids, PER_PAGE).get_page(page)
    by_id = mine.with_people().in_bulk(list(found))
    tokens = [by_id[pk] for pk in found if pk in by_id]
    calls = _calls(member.organization_id, list(by_id), now)
    required = statistics.used_permission_names(member.organization_id, list(by_id), CALL_DAYS, now=now)
    listed = [
        ListedRow(row.record, row.now, row.creator_is_member, calls[row.token.pk], required[row.token.pk])
        for row in rows(tokens, now)
    ]
    return Listing(listed, found, _counts(mine, now))


def _calls(bucket: UUID, ids: list[UUID], now: datetime) -> dict[UUID, dict[date, int]]:
    """Return the calls of each token on each of the days; one round trip and one query for all of them."""
    last = now.astimezone(UTC).date()
    days = [last - timedelta(days=number) for number in reversed(range(CALL_DAYS))]
    calls = {pk: dict.fromkeys(days, 0) for pk in ids}
    if ids:
        for one in reports.by_day(bucket, days[0], last, subjects=ids, now=now):
            calls[one.subject][one.day] = one.calls
    return calls


def _counts(mine: TokenQuerySet, now: datetime) -> dict[str, int]:
    active, expired, every = mine.active(now).count(), mine.expired(now).count(), mine.count()
    return {"active": active, "expired": expired, "revoked": every - active - expired, "all": every}
