"""What a token's page shows of its calls: chart, quota, permissions, networks and routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Organization
from accounts.pages.decorators import PageRequest
from accounts.permissions import picker
from ratelimit.usage import reports
from tokens.listing.rows import Row
from tokens.models import ServiceAccountToken
from tokens.usage import permission_use, token_usage
from tokens.usage.chart import chart
from tokens.usage.token_chart import points
from tokens.usage.token_usage import TokenUsage

VIEW = "usage.view"
DAYS, HOURS = 30, 48
TABS = {"day": f"{DAYS} days", "hour": f"{HOURS} hours"}
# A table has so many rows until ``?all=`` names it.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a list, or all."""

    key: str
    rows: Sequence[Any]
    number: int

    @property
    def has_more(self) -> bool:
        return len(self.rows) < self.number


@dataclass(frozen=True, slots=True)
class Quota:
    """Calls that count towards a daily limit: the token's own, or that of all programs together."""

    used: int
    limit: int | None
    is_own: bool
    resets_at: datetime


def calls(request: PageRequest, row: Row) -> dict[str, Any]:
    """Return the context of the sections; empty for a person who may not see usage."""
    if not request.actor.allows(VIEW):
        return {}
    token, now = row.token, row.now.astimezone(UTC)
    by = "hour" if request.GET.get("by") == "hour" else "day"
    month = token_usage.by_day(token, now.date() - timedelta(days=DAYS - 1), now.date(), now)
    shown = month
    if by == "hour":
        shown = token_usage.by_hour(token, now - timedelta(hours=HOURS - 1), now, now)
    return {
        "by": by,
        "tabs": TABS,
        "whoami": request.build_absolute_uri("/api/auth/whoami"),
        "month": month,
        "shown": shown,
        "chart": chart(points(shown, by)),
        "quota": _quota(request.membership.organization, token, month, now),
        **_tables(request.GET.get("all", ""), token, month),
    }


def _tables(whole: str, token: ServiceAccountToken, month: TokenUsage) -> dict[str, Any]:
    def table(key: str, rows: Sequence[Any]) -> Table:
        return Table(key, rows if key == whole else rows[:SHOWN], len(rows))

    uses = permission_use.by_permission(token.permissions, month.details.permissions)
    used = [use.permission for use in uses if use.seen]
    return {
        "permissions": table("permissions", [(use, picker.is_broad(use.permission)) for use in uses]),
        "used": used,
        "narrow_to_used": _narrowing(token, used),
        "networks": table("networks", month.networks),
        "routes": table("routes", month.methods),
    }


def _narrowing(token: ServiceAccountToken, used: Sequence[str]) -> str:
    """Return the address of the review that keeps the used permissions; "" if that removes none or all."""
    if not used or len(used) == len(token.permissions):
        return ""
    query = urlencode({"review": "1", "permissions": used}, doseq=True)
    return f"{reverse('token_narrow', args=[token.public_id])}?{query}"


def _quota(organization: Organization, token: ServiceAccountToken, month: TokenUsage, now: datetime) -> Quota:
    plan = reports.today(organization.pk, organization.effective_requests_per_day, now=now)
    if token.requests_per_day is not None:
        return Quota(month.series[-1].calls, token.requests_per_day, is_own=True, resets_at=plan.resets_at)
    return Quota(plan.used, organization.effective_requests_per_day, is_own=False, resets_at=plan.resets_at)
