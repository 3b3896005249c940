"""People and groups for staff. Who may change whom is decided in ``authorization``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from accounts.authentication import mfa_reset, user_events
from accounts.errors import APIError
from accounts.members import removal
from accounts.models import Membership, User
from accounts.registration import password_reset
from accounts.staff.base import (
    DeleteThroughService,
    IgnorePostedInlines,
    confirmation,
    may_change,
    no_effects,
    show_error,
    staff,
)
from accounts.staff.filters import StateFilter
from accounts.staff.lists import ListPage
from accounts.staff.panels import Panel
from accounts.staff.search_terms import Typed
from accounts.staff.user_panel import user_panel
from ratelimit.admin import ValuesLogged

if TYPE_CHECKING:
    UserPage = DjangoUserAdmin[User]
else:
    UserPage = DjangoUserAdmin


STAFF_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserState(StateFilter):
    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        return {
            "active": ("Active", Q(is_active=True)),
            "deactivated": ("Deactivated", Q(is_active=False)),
        }


class StaffFilter(StateFilter):
    title = "staff"
    parameter_name = "staff"

    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        return {
            "yes": ("Staff", Q(is_staff=True)),
            "superusers": ("Superusers", Q(is_superuser=True)),
            "no": ("Not staff", Q(is_staff=False)),
        }


@admin.register(User)
class UserAdmin(ListPage, DeleteThroughService, ValuesLogged, IgnorePostedInlines, UserPage):
    """Users. Staff neither see nor set passwords; only superusers change who is staff, and permissions."""

    form = forms.ModelForm
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = (UserState, StaffFilter)
    search_help_text = "usr_… id, e-mail, name"
    sortable_by = ("email", "name", "last_login")
    ordering = ("email",)
    actions = ["deactivate", "reactivate", "reset_second_factor", "delete_selected"]
    fieldsets = (
        (None, {"fields": ("email", "public_id", "name", "is_active", "new_password")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
        ("Staff permissions", {"classes": ("collapse",), "fields": STAFF_FIELDS}),
    )
    readonly_fields = ("email", "public_id", "is_active", "new_password", "last_login", "date_joined")
    for_superusers = STAFF_FIELDS

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            member = Membership.objects.filter(pk__in=typed.ids("mem"))
            return [Q(pk__in=typed.ids("usr")), Q(pk__in=member.values("user"))]
        return [Q(email__icontains=typed.in_address) | Q(name__icontains=typed.text)]

    def summary(self, row: User) -> str:
        return row.name if row.is_active else f"{row.name}, deactivated".lstrip(", ")

    def panel(self, request: HttpRequest, row: User) -> Panel:
        return user_panel(row)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if is_superuser(request) else (*fixed, *self.for_superusers)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Load the permissions with their content types, which are part of their names, in one query."""
        if db_field.name == "user_permissions":
            kwargs["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No user is added here: sign-up and invitations also verify the address."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_change(request, [obj]))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or may_change(request, [obj]))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.save(actor=staff(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Record the changed fields in the user's organizations, last in the page's transaction."""
        super().save_related(request, form, formsets, change)
        changed = {name: before_and_after(form, name) for name in form.changed_data}
        if changed:
            user_events.record("user.changed", form.instance, staff(request), **changed)

    @admin.display(description="password")
    def new_password(self, user: User) -> str:
        page = reverse(f"{self.admin_site.name}:auth_user_password_change", args=[user.pk])
        return format_html('<a href="{}">Send a password reset mail</a>', page)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Mail the user a reset link, because staff must not know the password."""
        user = self.get_object(request, unquote(id))
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        asked = confirmation(
            self,
            request,
            User.objects.filter(pk=user.pk),
            title="Send a password reset mail",
            warning="The mailed link lets them choose a new password, which ends all their sessions.",
            button="Send",
        )
        if asked:
            return asked
        try:
            with transaction.atomic():
                password_reset.send_by_staff(user, by=staff(request))
                self._log_each(request, [user], "Password reset mail sent")
        except APIError as exc:
            show_error(self, request, exc)
        return redirect(f"{self.admin_site.name}:accounts_user_change", user.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Keep staff who have acted here: their log entries would be deleted with them."""
        found, count, needed, protected = super().get_deleted_objects(objs, request)
        acted = User.objects.filter(pk__in=[user.pk for user in objs], logentry__isnull=False).distinct()
        kept = [f"What {user} did here is in the log; deactivate them instead" for user in acted]
        return found, count, needed, [*protected, *kept]

    def effects(self, chosen: Sequence[User]) -> Mapping[UUID, str]:
        """Return by id what stops when these people are deactivated."""
        return no_effects(chosen)

    def remove(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        removal.delete_people(users=queryset, actor=staff(request))

    @admin.action(permissions=["change"], description="Deactivate selected users")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        self._check(request, queryset)
        asked = confirmation(
            self,
            request,
            queryset,
            title="Deactivate users",
            warning="They are locked out at once, and the tokens they are responsible for stop for good.",
            button="Deactivate",
            effects=self.effects,
        )
        if asked:
            return asked
        try:
            with transaction.atomic():
                done = removal.deactivate(users=queryset, actor=staff(request))
                self._log_each(request, done, "Deactivated")
        except APIError as exc:
            show_error(self, request, exc)
        return None

    @admin.action(permissions=["change"], description="Reactivate selected users")
    @transaction.atomic
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._check(request, queryset)
        done = removal.reactivate(users=queryset, actor=staff(request))
        self._log_each(request, done, "Reactivated")

    @admin.action(permissions=["change"], description="Reset the second factor of selected users")
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Reset other users' factors only: one's own is removed in Settings, which asks for the factor."""
        self._check(request, queryset)
        chosen = queryset.filter(Exists(Authenticator.objects.filter(user=OuterRef("pk"))))
        chosen = chosen.exclude(email=getattr(request.user, "email", ""))
        asked = confirmation(
            self,
            request,
            chosen,
            title="Reset the second factor",
            warning=(
                "Their authenticator apps, passkeys and recovery codes are removed, and all their sessions "
                "end. Until they set a factor up anew, they sign in without one. Each gets a mail, and the "
                "reset is recorded in the audit logs of their organizations."
            ),
            button="Reset",
        )
        if asked:
            return asked
        with transaction.atomic():
            done = mfa_reset.reset(users=chosen, actor=staff(request))
            self._log_each(request, done, "Second factor reset")
        return None

    def _check(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        if not may_change(request, list(queryset)):
            raise PermissionDenied

    def _log_each(self, request: HttpRequest, users: list[User], word: str) -> None:
        for user in users:
            self.log_change(request, user, f"{word}.")
        self.message_user(request, f"{word}: {len(users)}.", messages.SUCCESS)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Only superusers change groups, because a group's permissions are those of its users."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and is_superuser(request)


def before_and_after(form: forms.ModelForm[User], name: str) -> list[Any]:
    """Return a field's values before and after, for the audit log; rows by their names."""
    return [_plain(form.initial.get(name)), _plain(form.cleaned_data[name])]


def _plain(value: Any) -> Any:
    if isinstance(value, list | QuerySet):
        return sorted(str(one) for one in value)
    return str(value) if isinstance(value, Model) else value


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
