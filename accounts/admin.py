"""Organizations, members and people for staff. The one door is the sign-in page of everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import audit, audit_admin, deletion, members, organizations  # noqa: F401
from accounts.invitation_admin import InvitationInline
from accounts.models import Membership, Organization, User
from accounts.staff import (
    LookOnly,
    LookOnlyInline,
    NoForgedRows,
    RefusableDeletion,
    confirmation,
    staff,
    tell,
)
from ratelimit.admin import ValuesLogged
from ratelimit.refusals import Refused

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Tessera"

if TYPE_CHECKING:
    UserPage = DjangoUserAdmin[User]
else:
    UserPage = DjangoUserAdmin

# Allauth's pages would let staff set an address by hand, and see what a second factor is made of.
for model in tuple(admin.site._registry):
    if model.__module__.startswith("allauth."):
        admin.site.unregister(model)


class MembershipInline(LookOnlyInline):
    model = Membership
    fields = ("user", "organization", "role", "joined_at", "last_seen_at")
    verbose_name_plural = "memberships"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "organization")


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

    def remove(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        members.remove(memberships=queryset, actor=staff(request))


@admin.register(User)
class UserAdmin(RefusableDeletion, ValuesLogged, NoForgedRows, UserPage):
    """People; nothing of a password is shown, and only superusers decide who is staff and what staff may."""

    form = forms.ModelForm
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    inlines = (MembershipInline,)
    actions = ["deactivate", "reactivate", "delete_selected"]
    fieldsets = (
        (None, {"fields": ("email", "public_id", "name", "is_active", "new_password")}),
        ("Staff", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("email", "public_id", "is_active", "new_password", "last_login", "date_joined")
    for_superusers = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if is_superuser(request) else (*fixed, *self.for_superusers)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People sign up or are invited, which is also how an address is verified."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or is_superuser(request))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or is_superuser(request))

    @admin.display(description="password")
    def new_password(self, user: User) -> str:
        page = reverse(f"{self.admin_site.name}:auth_user_password_change", args=[user.pk])
        return format_html('<a href="{}">Set a new password</a>', page)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Whoever has acted here stays, because their log would be deleted with them."""
        found, count, needed, protected = super().get_deleted_objects(objs, request)
        acted = User.objects.filter(pk__in=[user.pk for user in objs], logentry__isnull=False).distinct()
        kept = [f"What {user} did here is in the log; deactivate them instead" for user in acted]
        return found, count, needed, [*protected, *kept]

    def remove(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        members.delete_people(users=queryset, actor=staff(request))

    @admin.action(permissions=["change"], description="Deactivate selected users")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        self._check(request, queryset)
        asked = confirmation(
            self,
            request,
            queryset,
            title="Deactivate users",
            warning="They are locked out at once, and the API tokens they answer for stop for good.",
            button="Deactivate",
        )
        if asked:
            return asked
        try:
            with transaction.atomic():
                done = members.deactivate(users=queryset, actor=staff(request))
                self._log_each(request, done, "Deactivated")
        except Refused as refused:
            tell(self, request, refused)
        return None

    @admin.action(permissions=["change"], description="Reactivate selected users")
    @transaction.atomic
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._check(request, queryset)
        done = members.reactivate(users=queryset, actor=staff(request))
        self._log_each(request, done, "Reactivated")

    def _check(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        if not all(self.has_change_permission(request, user) for user in queryset):
            raise PermissionDenied

    def _log_each(self, request: HttpRequest, users: list[User], word: str) -> None:
        for user in users:
            self.log_change(request, user, f"{word}.")
        self.message_user(request, f"{word}: {len(users)}.", messages.SUCCESS)


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


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
