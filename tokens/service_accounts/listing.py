"""The list of tokens: one page of rows in an order, and the counts of the tabs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import F, Func
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from accounts.models import Organization
from ratelimit.usage import reports
from tokens.models import ServiceAccountToken, TokenQuerySet
from tokens.service_accounts import search
from tokens.service_accounts.list_filters import Filters
from tokens.service_accounts.rows import Row, rows, tokens_of

PER_PAGE = 50
NEVER_USED = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of rows and the counts of every tab."""

    rows: list[Row]
    page: Page[ServiceAccountToken] | Page[UUID]
    counts: dict[str, int]

    @property
    def limit(self) -> int:
        return settings.ACTIVE_TOKENS_PER_ORGANIZATION

    @property
    def is_full(self) -> bool:
        return self.counts["active"] >= self.limit


def listing(organization: Organization, filters: Filters, page: str | None, now: datetime) -> Listing:
    """Return one page, in nine queries for any number of tokens."""
    mine = tokens_of(organization)
    chosen = search.matching(search.with_status(mine, filters.status, now), filters.query)
    found: Page[ServiceAccountToken] | Page[UUID]
    if filters.sort.removeprefix("-") == "used":
        found = Paginator(_by_last_use(organization.pk, chosen, filters.sort), PER_PAGE).get_page(page)
        by_id = mine.with_people().in_bulk(list(found))
        tokens = [by_id[pk] for pk in found if pk in by_id]
    else:
        found = Paginator(chosen.with_people().order_by(*_order(filters.sort)), PER_PAGE).get_page(page)
        tokens = list(found)
    return Listing(rows(tokens, now), found, _counts(mine, now))


def _order(sort: str) -> tuple[OrderBy, str]:
    columns: dict[str, Func | F] = {
        "name": Lower("name"),
        "created": F("created_at"),
        "expires": F("expires_at"),
    }
    column = columns[sort.removeprefix("-")]
    descending = sort.startswith("-")
    return OrderBy(column, descending=descending, nulls_last=True), "-pk" if descending else "pk"


def _by_last_use(bucket: UUID, tokens: TokenQuerySet, sort: str) -> list[UUID]:
    """Return the ids in the order of their last use, which Redis has to the second."""
    used = reports.last_uses(bucket)
    ids = tokens.order_by("pk").values_list("pk", flat=True)
    return sorted(ids, key=lambda pk: used.get(pk, NEVER_USED), reverse=sort.startswith("-"))


def _counts(mine: TokenQuerySet, now: datetime) -> dict[str, int]:
    active, expired, every = mine.active(now).count(), mine.expired(now).count(), mine.count()
    return {"active": active, "expired": expired, "revoked": every - active - expired, "all": every}
