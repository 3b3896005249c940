"""The list of tokens: filters, order and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, Func, OuterRef
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from ratelimit.usage import reports
from ratelimit.usage.reports import Usage
from tokens.models import EXPIRING_DAYS, ServiceAccountToken, Status, TokenQuerySet, TokenSecret
from tokens.service_accounts import pasted, search
from tokens.service_accounts.excess import least_role
from tokens.service_accounts.permission_chips import PermissionChips
from tokens.service_accounts.records import Record, records

PER_PAGE = 50
SOON = timedelta(days=3)
LIVE = (Status.ACTIVE, Status.EXPIRING, Status.ROTATING, Status.PAUSED)
REFUSED_LABELS = {
    # The report of the pause shows them.
    Status.PAUSED: "",
    Status.REVOKED: "Refused after revocation",
    Status.LEAKED: "Refused after revocation",
    Status.EXPIRED: "Refused after expiry",
}
LONGEST_QUERY = 100
TABS = {"active": "Active", "expired": "Expired", "revoked": "Revoked", "all": "All"}
COLUMNS = {"name": "Name", "created": "Created", "used": "Last used", "expires": "Expires"}
NEWEST = "-created"
NEVER_USED = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters from the query string. An invalid value is replaced by the default."""

    status: str = "active"
    query: str = ""
    sort: str = NEWEST

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Filters:
        status, sort = parameters.get("status", ""), parameters.get("sort", "")
        query = parameters.get("q", "").strip()[:LONGEST_QUERY]
        return cls(
            status=status if status in TABS else "active",
            query="" if pasted.is_part_of_secret(query) else query,
            sort=sort if sort.removeprefix("-") in COLUMNS else NEWEST,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A token's record as pages show it."""

    record: Record
    now: datetime
    creator_is_member: bool

    @property
    def token(self) -> ServiceAccountToken:
        return self.record.token

    @property
    def usage(self) -> Usage:
        return self.record.usage

    @property
    def status(self) -> Status:
        """The status, with Expiring and Rotating as statuses of their own."""
        found = self.token.status(self.now)
        rotating = found in (Status.ACTIVE, Status.EXPIRING) and self.record.rotation
        return Status.ROTATING if rotating else found

    @property
    def rotated_at(self) -> datetime | None:
        """When the current secret was created, if a rotation created it."""
        rotated = any(one.superseded_at for one in self.token.secrets.all())
        return self.token.current_secret.created_at if rotated else None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_revoked(self) -> bool:
        return self.status in (Status.REVOKED, Status.LEAKED)

    @property
    def unused_since(self) -> datetime:
        return self.token.unused_since(self.usage.last_used_at)

    @property
    def is_leaked(self) -> bool:
        """Whether a secret was found in public, and the token has not been rotated since."""
        return (
            self.token.leaked_at is not None and self.token.current_secret.created_at <= self.token.leaked_at
        )

    @property
    def leaked_until(self) -> datetime | None:
        """The end of the overlap in which a secret from before the leak still works."""
        leaked_at = self.token.leaked_at
        if leaked_at is None or self.is_leaked:
            return None
        older = [one for one in self.token.secrets.all() if one.created_at <= leaked_at]
        ends = [one.valid_until for one in older if one.valid_until and one.valid_until > self.now]
        return max(ends, default=None)

    @property
    def known(self) -> TokenSecret | None:
        """The newest valid secret that a former member may know."""
        return self.record.known_secret

    @property
    def least_role(self) -> Role:
        """The lowest role that holds all permissions of the token."""
        return least_role(self.token.permissions)

    @property
    def masked(self) -> str:
        secret = self.token.current_secret
        return f"{secret.prefix}…{secret.last_four}"

    @property
    def chips(self) -> PermissionChips:
        return PermissionChips(self.token.permissions)

    @property
    def refused_label(self) -> str:
        """The label of its refused uses, or "" if they are shown elsewhere."""
        return REFUSED_LABELS.get(self.status, "Refused")

    @property
    def urgency(self) -> str:
        """``now`` if it expires within three days, ``soon`` within two weeks, else ""."""
        left = self.token.expires_at - self.now if self.token.expires_at and self.is_live else None
        if left is None or left > timedelta(days=EXPIRING_DAYS):
            return ""
        return "now" if left <= SOON else "soon"


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


def tokens_of(organization: Organization) -> TokenQuerySet:
    """Return an organization's tokens, annotated with ``creator_is_member``."""
    present = Membership.objects.active().filter(
        organization_id=OuterRef("organization_id"), user_id=OuterRef("created_by_id")
    )
    mine: TokenQuerySet = ServiceAccountToken.objects.filter(organization=organization).annotate(
        creator_is_member=Exists(present)
    )
    return mine


def rows(tokens: Iterable[ServiceAccountToken], now: datetime) -> list[Row]:
    """Return the rows of one organization's tokens, read by ``tokens_of(…).with_people()``."""
    found = list(tokens)
    if not found:
        return []
    return [
        Row(record, now, bool(getattr(record.token, "creator_is_member", False)))
        for record in records(found[0].organization_id, found, now)
    ]


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
