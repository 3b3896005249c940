"""Organizations for staff, and the log of what staff did. Members and people have files of their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import admin_door, audit, audit_admin, deletion, organizations, user_admin  # noqa: F401
from accounts.invitation_admin import InvitationInline
from accounts.member_admin import MembershipInline
from accounts.models import Organization
from accounts.staff import LookOnly, NoForgedRows, RefusableDeletion, staff
from ratelimit.admin import ValuesLogged

admin_door.guard(admin.site)
admin.site.site_header = admin.site.site_title = "Tessera"

# Allauth's pages would let staff set an address by hand, and see what a second factor is made of.
for model in tuple(admin.site._registry):
    if model.__module__.startswith("allauth."):
        admin.site.unregister(model)


@admin.register(Organization)
class OrganizationAdmin(RefusableDeletion, ValuesLogged, NoForgedRows):
    list_display = ["name", "plan", "members", "suspended_at", "deleted_at"]
    list_filter = (
        "plan",
        ("suspended_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("plan",)
    search_fields = ("name", "slug")
    fields = (
        "name",
        "public_id",
        "slug",
        "publishable_key",
        "plan",
        "requests_per_day",
        "never_expiring_allowed",
        "suspended_at",
        "deleted_at",
        "created_at",
    )
    readonly_fields = (
        "name",
        "public_id",
        "slug",
        "publishable_key",
        "suspended_at",
        "deleted_at",
        "created_at",
    )
    inlines = (MembershipInline, InvitationInline)
    actions = ["suspend", "resume", "delete_selected", "restore"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An organization is made together with its owner."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        found: QuerySet[Organization] = super().get_queryset(request)
        return found.annotate(member_count=Count("memberships", distinct=True))

    @admin.display(ordering="member_count")
    def members(self, organization: Organization) -> int:
        return int(getattr(organization, "member_count", 0))

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        if form.changed_data:
            organizations.set_terms(organization=obj, actor=staff(request), fields=form.changed_data)

    def has_change_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """A deleted one is looked at, and restored in the list."""
        return super().has_change_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What belongs to it stays until its time of grace is over."""
        names = [str(one) for one in objs]
        return names, {str(self.opts.verbose_name_plural): len(names)}, set(), []

    @transaction.atomic
    @audit.gathered()
    def remove(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        Organization.objects.lock_all(queryset.values_list("pk", flat=True))
        for organization in queryset:
            deletion.delete_by_staff(organization=organization, actor=staff(request))

    @admin.action(permissions=["delete"], description="Restore selected organizations")
    @transaction.atomic
    @audit.gathered()
    def restore(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        Organization.objects.lock_all(queryset.values_list("pk", flat=True))
        now, restored = timezone.now(), 0
        for organization in queryset:
            if deletion.is_restorable(organization, now):
                restored += deletion.restore(organization=organization, actor=staff(request), now=now)
                self.log_change(request, organization, "Restored.")
        self.message_user(request, f"Restored: {restored}.", messages.SUCCESS)

    @admin.action(permissions=["change"], description="Suspend selected organizations")
    def suspend(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        self._set_suspended(request, queryset, suspended=True)

    @admin.action(permissions=["change"], description="Resume selected organizations")
    def resume(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        self._set_suspended(request, queryset, suspended=False)

    @transaction.atomic
    def _set_suspended(
        self, request: HttpRequest, queryset: QuerySet[Organization], *, suspended: bool
    ) -> None:
        flow = organizations.suspend if suspended else organizations.resume
        word = "Suspended" if suspended else "Resumed"
        Organization.objects.lock_all(queryset.values_list("pk", flat=True))
        living = [one for one in queryset if one.deleted_at is None]
        changed = [one for one in living if flow(organization=one, actor=staff(request))]
        for organization in changed:
            self.log_change(request, organization, f"{word}.")
        self.message_user(request, f"{word}: {len(changed)}.", messages.SUCCESS)


@admin.register(LogEntry)
class LogAdmin(LookOnly, NoForgedRows):
    """Who of the staff did what."""

    list_display = ("action_time", "user", "object_repr", "told", "content_type")
    list_filter = ("action_flag", ("content_type", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__email")
    fields = ("action_time", "user", "content_type", "object_repr", "object_id", "told")
    readonly_fields = ("told",)

    @admin.display(description="change")
    def told(self, entry: LogEntry) -> str:
        return str(entry.get_change_message() or entry.get_action_flag_display())
