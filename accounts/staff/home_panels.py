"""Panels of the admin's home about organizations and emails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import Organization, OutboxMail
from accounts.staff import home
from accounts.staff.home import HomePanel, Line
from accounts.staff.organization_filters import NEAR_PERCENT, NEW_DAYS
from accounts.staff.panels import list_url, page_url

VIEW = "accounts.view_organization"
ORGANIZATIONS, MAILS = "accounts_organization", "accounts_outboxmail"


def near_limit(now: datetime, first: int) -> Sequence[Line]:
    """Return the organizations that have used most of their daily limit, the largest share first."""
    near: QuerySet[Any] = Organization.objects.not_deleted().near_daily_limit(
        now.astimezone(UTC).date(), NEAR_PERCENT
    )
    found = near.select_related("plan").order_by("-share", "pk")[:first]
    return [
        _line(one, f"{int(one.share)} %", f"{one.reserved:,} of {one.per_day:,}, {one.plan}") for one in found
    ]


def suspended(now: datetime, first: int) -> Sequence[Line]:
    """Return the suspended organizations, the latest first."""
    found = Organization.objects.not_deleted().filter(suspended_at__isnull=False)
    return [
        _line(one, f"{one.suspended_at:%Y-%m-%d}", one.slug)
        for one in found.order_by("-suspended_at", "pk")[:first]
    ]


def created(now: datetime, first: int) -> Sequence[Line]:
    """Return the organizations of the last days, the latest first."""
    found = Organization.objects.not_deleted().filter(created_at__gt=now - timedelta(days=NEW_DAYS))
    return [
        _line(one, f"{one.created_at:%Y-%m-%d}", str(one.plan))
        for one in found.select_related("plan").order_by("-created_at", "pk")[:first]
    ]


def unsent(now: datetime, first: int) -> Sequence[Line]:
    """Return the unsent mails, the oldest first."""
    return [
        Line(
            one.subject,
            page_url(MAILS, one.pk),
            "Given up" if one.given_up_at else "Waiting",
            f"{one.to}. {one.last_error or 'Not tried yet.'}",
        )
        for one in OutboxMail.objects.order_by("pk")[:first]
    ]


def _line(organization: Organization, figure: str, detail: str) -> Line:
    return Line(organization.name, page_url(ORGANIZATIONS, organization.pk), figure, detail)


home.register(
    HomePanel(
        rank=10,
        title="Near or over the daily limit",
        note="Requests that are reserved today, which happens in blocks of 2 % of the limit.",
        empty=f"No organization has reserved {NEAR_PERCENT} % of its limit today.",
        permission=VIEW,
        list_url=lambda: list_url(ORGANIZATIONS, daily_limit="near"),
        lines=near_limit,
    )
)
home.register(
    HomePanel(
        rank=30,
        title="Unsent mail",
        note="",
        empty="Every mail was sent.",
        permission="accounts.view_outboxmail",
        list_url=lambda: list_url(MAILS),
        lines=unsent,
    )
)
home.register(
    HomePanel(
        rank=50,
        title="Suspended organizations",
        note="",
        empty="No organization is suspended.",
        permission=VIEW,
        list_url=lambda: list_url(ORGANIZATIONS, status="suspended"),
        lines=suspended,
    )
)
home.register(
    HomePanel(
        rank=60,
        title="New organizations",
        note=f"Created in the last {NEW_DAYS} days.",
        empty=f"No organization was created in the last {NEW_DAYS} days.",
        permission=VIEW,
        list_url=lambda: list_url(ORGANIZATIONS, created="new"),
        lines=created,
    )
)
