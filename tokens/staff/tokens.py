"""Admin of API tokens: search, view, pause, revoke. Secrets are never shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Membership, Organization
from accounts.staff.base import IgnorePostedInlines, ReadOnlyAdmin, confirmation, given_reason, staff
from accounts.staff.filters import OfOrganization, OfPerson, StateFilter
from accounts.staff.lists import ListPage, matching_organizations
from accounts.staff.panels import Panel
from accounts.staff.search_terms import Typed
from tokens.models import ServiceAccountToken, TokenQuerySet, TokenSecret
from tokens.service_accounts.revoke import revoke_many
from tokens.staff import effects, token_facts
from tokens.staff.clients import ClientAdmin, known_by
from tokens.staff.home_panels import refused_on
from tokens.staff.organizations import OrganizationAdmin
from tokens.staff.panels import token_panel
from tokens.staff.pauses import PauseActions

__all__ = ["ClientAdmin", "OrganizationAdmin", "TokenAdmin"]

REASON = "Revoked by Tessera's staff"


class TokenState(StateFilter):
    """A token without an active responsible member counts as revoked."""

    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        member = Membership.objects.active().filter(
            pk=OuterRef("responsible_id"), organization_id=OuterRef("organization_id")
        )
        # Evaluated for each row, because PostgreSQL misjudges the join and would scan the whole table.
        running = Q(revoked_at=None) & Q(Case(When(Exists(member), then=Value(True)), default=Value(False)))
        orphaned = (
            Q(responsible__user=None)
            | ~Q(responsible__organization_id=F("organization_id"))
            | Q(responsible__user__is_active=False)
        )
        active = running & (Q(expires_at=None) | Q(expires_at__gt=now))
        unresumed = Q(paused_at__isnull=False, resumed_at=None)
        paused = unresumed & (Q(paused_until=None) | Q(paused_until__gt=now))
        return {
            "active": ("Active, also paused", active),
            "paused": ("Paused", active & paused),
            "expired": ("Expired", running & Q(expires_at__lte=now)),
            "revoked": ("Revoked", Q(revoked_at__isnull=False) | orphaned),
        }


class RefusedFilter(StateFilter):
    title = "refused"
    parameter_name = "refused"

    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        today = refused_on(now.astimezone(UTC).date()).values("subject")
        return {"today": ("Refused today", Q(pk__in=today))}


class TokenOfPerson(OfPerson):
    paths = ("created_by", "responsible__user")


@admin.register(ServiceAccountToken)
class TokenAdmin(PauseActions, ListPage, ReadOnlyAdmin, IgnorePostedInlines):
    list_display = ("name", "masked", "organization", "status", "created", "expires")
    list_filter = (OfOrganization, TokenOfPerson, TokenState, RefusedFilter)
    search_help_text = "tok_…, org_… or usr_… id, last four characters, beginning of the name, organization"
    sortable_by = ("created",)
    ordering = ("-pk",)
    fields = (
        "name",
        "description",
        "organization",
        "granted",
        "every_secret",
        "rotation",
        "allowed_addresses",
        "requests_per_day",
        "metadata",
        "created_by",
        "responsible",
        "known",
        "parent",
        "parent_client",
        "created_at",
        "expires_at",
        "renewed_at",
        "paused_at",
        "paused_until",
        "resumed_at",
        "paused_reason",
        "revoked_at",
        "revoked_by",
        "revoked_reason",
        "leaked_at",
        "leak_source",
    )
    readonly_fields = ("granted", "known", "every_secret", "rotation")
    actions = ("pause", "resume", "revoke")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccountToken]:
        found = cast(TokenQuerySet, super().get_queryset(request))
        return found.with_people().select_related("organization")

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            return [
                Q(pk__in=typed.ids("tok")),
                Q(organization__in=typed.ids("org")),
                Q(created_by__in=typed.ids("usr")),
                Q(responsible__user__in=typed.ids("usr")),
            ]
        found = [Q(name__istartswith=typed.text), Q(organization__in=list(matching_organizations(typed)))]
        if typed.last_four:
            secrets = TokenSecret.objects.filter(last_four=typed.last_four)
            found.append(Q(pk__in=secrets.values("token")))
        return found

    @admin.display
    def status(self, token: ServiceAccountToken) -> str:
        return str(token.status(timezone.now()).label)

    @admin.display(description="token")
    def masked(self, token: ServiceAccountToken) -> str:
        return token_facts.valid_secrets(token, timezone.now())

    @admin.display(description="secrets")
    def every_secret(self, token: ServiceAccountToken) -> str:
        return token_facts.every_secret(token)

    @admin.display
    def rotation(self, token: ServiceAccountToken) -> str:
        return token_facts.running_rotation(token, timezone.now())

    @admin.display(description="known to a former member")
    def known(self, token: ServiceAccountToken) -> str:
        return known_by(token.known_secret(timezone.now()))

    @admin.display(description="permissions")
    def granted(self, token: ServiceAccountToken) -> str:
        return ", ".join(token.permissions)

    @admin.display(description="created", ordering="pk")
    def created(self, token: ServiceAccountToken) -> date:
        return token.created_at.date()

    @admin.display
    def expires(self, token: ServiceAccountToken) -> date | str:
        return token.expires_at.date() if token.expires_at else "Never"

    def summary(self, row: ServiceAccountToken) -> str:
        return f"{row.organization}, {self.masked(row)}, {self.status(row).lower()}"

    def panel(self, request: HttpRequest, row: ServiceAccountToken) -> Panel:
        return token_panel(row, self.masked(row), self.status(row))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Forbid filters by digest, which would reveal it."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may pause, resume and revoke tokens, the only changes in this admin."""
        return bool(request.user.has_perm("tokens.change_serviceaccounttoken"))

    @admin.action(permissions=["stop"], description="Revoke selected API tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ServiceAccountToken]) -> HttpResponse | None:
        running = queryset.filter(revoked_at=None)
        asked = confirmation(
            self,
            request,
            running,
            title="Revoke API tokens",
            warning="They stop at once. This cannot be undone. Programs that use them are refused.",
            button="Revoke",
            asks_reason=True,
            effects=lambda chosen: effects.of_programs(chosen, timezone.now()),
        )
        if asked:
            return asked
        reason = given_reason(request) or REASON
        with transaction.atomic():
            Organization.objects.lock_all(running.values_list("organization_id", flat=True))
            revoking = list(running)
            chosen = ServiceAccountToken.objects.filter(pk__in=[token.pk for token in revoking])
            revoke_many(tokens=chosen, actor=staff(request), reason=reason)
            for token in revoking:
                self.log_change(request, token, f"Revoked: {reason}")
        self.message_user(request, f"Revoked: {len(revoking)}.", messages.SUCCESS)
        return None
