"""Members for staff: looked at and removed, on their own page and within organizations and people."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import members
from accounts.models import Membership
from accounts.staff import LookOnlyInline, NoForgedRows, RefusableDeletion, may_change, staff


class MembershipInline(LookOnlyInline):
    model = Membership
    fields = ("user", "organization", "role", "joined_at", "last_seen_at")
    verbose_name_plural = "memberships"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "organization")


@admin.register(Membership)
class MembershipAdmin(RefusableDeletion, NoForgedRows):
    """Members are looked at and removed; their tokens stop with them."""

    list_display = ("user", "organization", "role", "joined_at", "last_seen_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__name", "organization__slug")
    fields = ("user", "organization", "role", "permissions", "joined_at", "last_seen_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or may_change(request, [obj.user]))

    def remove(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        members.remove(memberships=queryset, actor=staff(request))
