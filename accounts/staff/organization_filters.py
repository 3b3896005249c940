"""Filters of the admin's list of organizations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Organization
from accounts.staff.filters import StateFilter

# From this share of the daily limit on, an organization is near it.
NEAR_PERCENT = 80
# An organization is new for so many days.
NEW_DAYS = 7


class OrganizationState(StateFilter):
    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        deleted = Q(deleted_at__isnull=False)
        return {
            "active": ("Active", Q(suspended_at=None, deleted_at=None)),
            "suspended": ("Suspended", Q(suspended_at__isnull=False) & ~deleted),
            "deleted": ("Deleted", deleted),
        }


class DailyLimit(admin.SimpleListFilter):
    """Organizations by the share of their limit that is reserved today."""

    title = "daily limit"
    parameter_name = "daily_limit"
    percents: ClassVar[dict[str, int]] = {"near": NEAR_PERCENT, "used-up": 100}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("near", f"{NEAR_PERCENT} % reserved or more"), ("used-up", "Used up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        percent = self.percents.get(self.value() or "")
        if percent is None:
            return queryset
        day = timezone.now().astimezone(UTC).date()
        return queryset.filter(
            pk__in=Organization.objects.not_deleted().near_daily_limit(day, percent).values("pk")
        )


class Created(StateFilter):
    title = "created"
    parameter_name = "created"

    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        new = Q(created_at__gt=now - timedelta(days=NEW_DAYS), deleted_at=None)
        return {"new": (f"In the last {NEW_DAYS} days", new)}
