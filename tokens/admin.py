"""API tokens for staff: found, looked at and revoked; nothing that proves one is here to be seen."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin import OrganizationAdmin as AccountsOrganizationAdmin
from accounts.models import Organization
from accounts.staff import LookOnly, LookOnlyInline, NoForgedRows, confirmation, staff
from tokens.client_admin import ClientAdmin, told_of
from tokens.models import ServiceAccountToken, Status, TokenQuerySet
from tokens.revoking import revoke_many

__all__ = ["ClientAdmin", "OrganizationAdmin", "TokenAdmin"]

REASON = "Revoked by Tessera's staff"


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (str(status), str(status.label)) for status in (Status.ACTIVE, Status.EXPIRED, Status.REVOKED)
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        if self.value() == Status.ACTIVE:
            return queryset.active(now)
        if self.value() == Status.EXPIRED:
            return queryset.expired(now)
        if self.value() == Status.REVOKED:
            return queryset.stopped()
        return queryset


class TokenColumns:
    """What a row and an inline show of a token, beside its own columns."""

    @admin.display
    def status(self, token: ServiceAccountToken) -> str:
        return str(token.status(timezone.now()).label)

    @admin.display(description="token")
    def masked(self, token: ServiceAccountToken) -> str:
        return ", ".join(f"{secret.prefix}…{secret.last_four}" for secret in token.secrets.all())

    @admin.display(description="known to a former member")
    def known(self, token: ServiceAccountToken) -> str:
        return told_of(token.known_secret)

    @admin.display(description="permissions")
    def granted(self, token: ServiceAccountToken) -> str:
        return ", ".join(token.permissions)


class TokenInline(TokenColumns, LookOnlyInline):
    """Those that are not revoked, which the cap keeps few; the tokens' own page has them all."""

    model = ServiceAccountToken
    fields = ("name", "masked", "status", "granted", "created_by", "created_at", "expires_at")
    verbose_name_plural = "API tokens that are not revoked"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccountToken]:
        found = cast(TokenQuerySet, super().get_queryset(request))
        return found.with_people().filter(revoked_at=None)


@admin.register(ServiceAccountToken)
class TokenAdmin(TokenColumns, LookOnly, NoForgedRows):
    list_display = ("name", "masked", "organization", "status", "created_at", "expires_at", "revoked_at")
    list_filter = (StatusFilter,)
    search_fields = ("name", "secrets__last_four__exact", "organization__name", "organization__slug")
    search_help_text = "Name, last four characters or organization. Never put a whole token here."
    ordering = ("-created_at",)
    fields = (
        "name",
        "description",
        "public_id",
        "masked",
        "status",
        "organization",
        "granted",
        "created_by",
        "responsible",
        "known",
        "parent",
        "parent_client",
        "created_at",
        "expires_at",
        "revoked_at",
        "revoked_by",
        "revoked_reason",
    )
    readonly_fields = ("public_id", "masked", "status", "granted", "known")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccountToken]:
        found = cast(TokenQuerySet, super().get_queryset(request))
        return found.with_people().select_related("organization")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter in the address must not answer questions about a digest."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Nothing is changed here but by revoking, so this is what "can change tokens" means."""
        return bool(request.user.has_perm("tokens.change_serviceaccounttoken"))

    @admin.action(permissions=["revoke"], description="Revoke selected API tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ServiceAccountToken]) -> HttpResponse | None:
        running = queryset.filter(revoked_at=None)
        asked = confirmation(
            self,
            request,
            running,
            title="Revoke API tokens",
            warning="They stop at once and for good. Programs that use them are refused from then on.",
            button="Revoke",
            asks_reason=True,
        )
        if asked:
            return asked
        reason = request.POST.get("reason", "").strip() or REASON
        with transaction.atomic():
            Organization.objects.lock_all(running.values_list("organization_id", flat=True))
            stopping = list(running)
            chosen = ServiceAccountToken.objects.filter(pk__in=[token.pk for token in stopping])
            revoke_many(tokens=chosen, actor=staff(request), reason=reason)
            for token in stopping:
                self.log_change(request, token, f"Revoked: {reason}")
        self.message_user(request, f"Revoked: {len(stopping)}.", messages.SUCCESS)
        return None


admin.site.unregister(Organization)


@admin.register(Organization)
class OrganizationAdmin(AccountsOrganizationAdmin):
    """The organizations' page of accounts, with what tokens know about them."""

    list_display = ["name", "plan", "members", "active_tokens", "suspended_at", "deleted_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        of_this = ServiceAccountToken.objects.filter(organization=OuterRef("pk")).active(timezone.now())
        counted = of_this.order_by().values("organization").annotate(number=Count("pk")).values("number")
        number = Coalesce(Subquery(counted), 0, output_field=IntegerField())
        return super().get_queryset(request).annotate(token_count=number)

    def get_inlines(self, request: HttpRequest, obj: Organization | None) -> list[Any]:
        return [*super().get_inlines(request, obj), TokenInline]

    @admin.display(ordering="token_count")
    def active_tokens(self, organization: Organization) -> int:
        return int(getattr(organization, "token_count", 0))
