"""Admin of members: they are shown and removed, and listed by organization or user."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.members import removal
from accounts.models import Membership
from accounts.staff.base import DeleteThroughService, IgnorePostedInlines, may_change, staff
from accounts.staff.filters import OfOrganization, OfPerson
from accounts.staff.lists import ListPage, matching_organizations
from accounts.staff.panels import Fact, Panel, list_url, page_url
from accounts.staff.search_terms import Typed


@admin.register(Membership)
class MembershipAdmin(ListPage, DeleteThroughService, IgnorePostedInlines):
    """Members are shown and removed; their tokens are revoked with them."""

    in_search = False
    list_display = ("user", "organization", "role", "joined_at", "last_seen_at")
    list_filter = (OfOrganization, OfPerson, "role")
    list_select_related = ("user", "organization")
    search_help_text = "mem_…, usr_… or org_… id, e-mail, name, organization"
    sortable_by = ("joined_at", "last_seen_at")
    ordering = ("-pk",)
    fields = ("user", "organization", "role", "permissions", "joined_at", "last_seen_at")

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            return [
                Q(pk__in=typed.ids("mem")),
                Q(user__in=typed.ids("usr")),
                Q(organization__in=typed.ids("org")),
            ]
        return [
            Q(user__email__icontains=typed.in_address) | Q(user__name__icontains=typed.text),
            Q(organization__in=list(matching_organizations(typed))),
        ]

    def panel(self, request: HttpRequest, row: Membership) -> Panel:
        organization, user = row.organization, row.user
        person = {"organization": organization.public_id, "person": user.public_id}
        return Panel(
            facts=[
                Fact("Organization", organization, page_url("accounts_organization", organization.pk)),
                Fact("Person", user, page_url("accounts_user", user.pk)),
                Fact("Id", row.public_id),
                Fact("API tokens", "Show", list_url("tokens_serviceaccounttoken", **person)),
                Fact("Audit events", "Show", list_url("accounts_auditevent", actor=user.public_id)),
            ]
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or may_change(request, [obj.user]))

    def remove(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        removal.remove(memberships=queryset, actor=staff(request))
