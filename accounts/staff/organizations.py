"""Admin of organizations, and of the log of staff actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import log
from accounts.models import Membership, Organization
from accounts.organizations import deletion, update
from accounts.staff import (  # noqa: F401
    invitations,
    outbox,
    site,
    users,
)
from accounts.staff.base import (
    DeleteThroughService,
    IgnorePostedInlines,
    ReadOnlyAdmin,
    confirmation,
    given_reason,
    no_effects,
    staff,
)
from accounts.staff.lists import ListPage
from accounts.staff.notes import NoteAction
from accounts.staff.organization_creation import add_organization
from accounts.staff.organization_filters import Created, DailyLimit, OrganizationState
from accounts.staff.search_terms import Typed
from accounts.staff.support_action import SupportAction
from accounts.validation.form_fields import NetworksField
from ratelimit.admin import ValuesLogged

site.guard(admin.site)
admin.site.site_header = admin.site.site_title = "Tessera"
admin.site.index_title = "Home"

# Allauth's pages would let staff set an address by hand, and see what a second factor is made of.
for model in tuple(admin.site._registry):
    if model.__module__.startswith("allauth."):
        admin.site.unregister(model)


@admin.register(Organization)
class OrganizationAdmin(
    SupportAction, NoteAction, ListPage, DeleteThroughService, ValuesLogged, IgnorePostedInlines
):
    list_display = ["name", "slug", "plan", "status", "members", "created"]
    list_filter = (OrganizationState, DailyLimit, Created, "plan")
    list_select_related = ("plan",)
    search_help_text = "org_… id, name, slug, member’s e-mail, publishable key"
    sortable_by = ("name", "slug", "created")
    ordering = ("name", "pk")
    fields = (
        "name",
        "public_id",
        "slug",
        "publishable_key",
        "metadata",
        "created_at",
        "plan",
        "requests_per_day",
        "never_expiring_allowed",
        "longest_token_days",
        "sso_required",
        "sso_provider",
        "sso_tenant",
        "mfa_required",
        "email_domains",
        "allowed_addresses",
        "unused_tokens_revoked_after_days",
        "leaked_tokens",
    )
    readonly_fields = (
        "name",
        "public_id",
        "slug",
        "publishable_key",
        "metadata",
        "longest_token_days",
        "sso_required",
        "sso_provider",
        "sso_tenant",
        "mfa_required",
        "email_domains",
        "unused_tokens_revoked_after_days",
        "leaked_tokens",
        "created_at",
    )
    actions = ["suspend", "resume", "support", "add_note", "delete_selected", "restore"]

    def summary(self, row: Organization) -> str:
        return f"{row.slug}, {self.status(row).lower()}, {row.plan}"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The plan is chosen here; plans are edited on their own page. Addresses are written as lines."""
        if db_field.name == "allowed_addresses":
            return NetworksField(label="Allowed addresses", help_text=db_field.help_text)
        formfield = super().formfield_for_dbfield(db_field, request, **kwargs)
        # Django wraps the choice in links to add, change and delete plans.
        if db_field.name == "plan" and formfield is not None:
            formfield.widget = formfield.widget.widget
        return formfield

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Create an organization together with its owner."""
        return add_organization(self, request)

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            of_person = Membership.objects.filter(Q(user__in=typed.ids("usr")) | Q(pk__in=typed.ids("mem")))
            return [Q(pk__in=typed.ids("org")), Q(pk__in=of_person.values("organization"))]
        found = [Q(publishable_key=typed.text), Q(name__icontains=typed.text) | Q(slug__icontains=typed.text)]
        if typed.address:
            members = Membership.objects.filter(user__email__startswith=typed.address)
            found.append(Q(pk__in=members.values("organization")))
        return found

    def with_counts(self, rows: list[Organization]) -> list[Organization]:
        counts = counted(Membership.objects.filter(organization__in=rows))
        for row in rows:
            row.member_count = counts.get(row.pk, 0)  # type: ignore[attr-defined]
        return rows

    def effects(self, chosen: Sequence[Organization]) -> Mapping[UUID, str]:
        """Return by id what suspending or deleting these organizations affects."""
        return no_effects(chosen)

    @admin.display(ordering="created_at")
    def created(self, organization: Organization) -> date:
        return organization.created_at.date()

    @admin.display
    def members(self, organization: Organization) -> int:
        return int(getattr(organization, "member_count", 0))

    @admin.display
    def status(self, organization: Organization) -> str:
        if organization.deleted_at is not None:
            return "Deleted"
        return "Suspended" if organization.suspended_at is not None else "Active"

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        if form.changed_data:
            update.set_terms(organization=obj, actor=staff(request), fields=form.changed_data)

    def has_change_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """A deleted organization is read-only here; the list has an action that restores it."""
        return super().has_change_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Everything that belongs to it is kept until the end of its restore period."""
        chosen = list(objs)
        effects = self.effects(chosen)
        names = [f"{one}. {effects.get(one.pk, '')}".rstrip(" .") for one in chosen]
        return names, {str(self.opts.verbose_name_plural): len(names)}, set(), []

    @transaction.atomic
    @log.batched()
    def remove(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        Organization.objects.lock_all(queryset.values_list("pk", flat=True))
        for organization in queryset:
            deletion.delete_by_staff(organization=organization, actor=staff(request))

    @admin.action(permissions=["delete"], description="Restore selected organizations")
    @transaction.atomic
    @log.batched()
    def restore(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        Organization.objects.lock_all(queryset.values_list("pk", flat=True))
        now, restored = timezone.now(), 0
        for organization in queryset:
            if deletion.is_restorable(organization, now):
                restored += deletion.restore(organization=organization, actor=staff(request), now=now)
                self.log_change(request, organization, "Restored.")
        self.message_user(request, f"Restored: {restored}.", messages.SUCCESS)

    @admin.action(permissions=["change"], description="Suspend selected organizations")
    def suspend(self, request: HttpRequest, queryset: QuerySet[Organization]) -> HttpResponse | None:
        asked = confirmation(
            self,
            request,
            queryset.filter(suspended_at=None, deleted_at=None),
            title="Suspend organizations",
            warning="Their tokens, OAuth clients and sessions are refused until they are resumed.",
            button="Suspend",
            needs_reason=True,
            effects=self.effects,
        )
        if asked:
            return asked
        reason = given_reason(request)
        flow = partial(update.suspend, actor=staff(request), reason=reason)
        self._change_each(request, queryset, flow, "Suspended", f": {reason}")
        return None

    @admin.action(permissions=["change"], description="Resume selected organizations")
    def resume(self, request: HttpRequest, queryset: QuerySet[Organization]) -> HttpResponse | None:
        asked = confirmation(
            self,
            request,
            queryset.filter(suspended_at__isnull=False, deleted_at=None),
            title="Resume organizations",
            warning="The same tokens, OAuth clients and sessions work again at once.",
            button="Resume",
            harmless=True,
        )
        if asked:
            return asked
        self._change_each(request, queryset, partial(update.resume, actor=staff(request)), "Resumed")
        return None

    @transaction.atomic
    def _change_each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Organization],
        flow: Callable[..., bool],
        word: str,
        why: str = ".",
    ) -> None:
        Organization.objects.lock_all(queryset.values_list("pk", flat=True))
        kept = [one for one in queryset if one.deleted_at is None]
        changed = [one for one in kept if flow(organization=one)]
        for organization in changed:
            self.log_change(request, organization, f"{word}{why}")
        self.message_user(request, f"{word}: {len(changed)}.", messages.SUCCESS)


def counted(rows: QuerySet[Any]) -> dict[UUID, int]:
    """Return the number of rows of each organization, in one query."""
    return dict(rows.order_by().values_list("organization").annotate(number=Count("pk")))


@admin.register(LogEntry)
class LogAdmin(ListPage, ReadOnlyAdmin, IgnorePostedInlines):
    """The log of staff actions."""

    in_search = False

    list_display = ("action_time", "user", "object_repr", "details", "content_type")
    list_filter = ("action_flag",)
    list_select_related = ("user", "content_type")
    search_help_text = "What was changed, or the e-mail of the staff member"
    ordering = ("-pk",)
    fields = ("action_time", "user", "content_type", "object_repr", "object_id", "details")
    readonly_fields = ("details",)

    def criteria(self, typed: Typed) -> list[Q]:
        return [Q(object_repr__icontains=typed.text), Q(user__email__startswith=typed.in_address.lower())]

    @admin.display(description="change")
    def details(self, entry: LogEntry) -> str:
        return str(entry.get_change_message() or entry.get_action_flag_display())
