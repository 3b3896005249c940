"""Admin of organizations, extended with search by tokens and clients and with their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Organization
from accounts.staff.organizations import OrganizationAdmin as AccountsOrganizationAdmin
from accounts.staff.organizations import counted
from accounts.staff.panels import Panel
from accounts.staff.search_terms import Typed
from tokens.models import ClientSecret, OAuthClient, ServiceAccountToken, TokenSecret
from tokens.staff import effects
from tokens.staff.organization_panel import organization_panel

admin.site.unregister(Organization)


@admin.register(Organization)
class OrganizationAdmin(AccountsOrganizationAdmin):
    list_display = ["name", "slug", "plan", "status", "members", "active_tokens", "created"]
    search_help_text = (
        "org_…, usr_…, tok_… or cli_… id, name, slug, member’s e-mail, publishable key, "
        "last four characters of a token or client secret"
    )

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            tokens = ServiceAccountToken.objects.filter(pk__in=typed.ids("tok"))
            clients = OAuthClient.objects.filter(pk__in=typed.ids("cli"))
            own = [Q(pk__in=tokens.values("organization")), Q(pk__in=clients.values("organization"))]
            return [*super().criteria(typed), *own]
        if not typed.last_four:
            return super().criteria(typed)
        token_secrets = TokenSecret.objects.filter(last_four=typed.last_four)
        client_secrets = ClientSecret.objects.filter(last_four=typed.last_four)
        return [
            *super().criteria(typed),
            Q(pk__in=token_secrets.values("token__organization")),
            Q(pk__in=client_secrets.values("client__organization")),
        ]

    def with_counts(self, rows: list[Organization]) -> list[Organization]:
        active = ServiceAccountToken.objects.filter(organization__in=rows).active(timezone.now())
        counts = counted(active)
        for row in super().with_counts(rows):
            row.token_count = counts.get(row.pk, 0)  # type: ignore[attr-defined]
        return rows

    def panel(self, request: HttpRequest, row: Organization) -> Panel:
        return organization_panel(row, self.status(row), timezone.now())

    def effects(self, chosen: Sequence[Organization]) -> Mapping[UUID, str]:
        return effects.of_organizations(chosen, timezone.now())

    @admin.display
    def active_tokens(self, organization: Organization) -> int:
        return int(getattr(organization, "token_count", 0))
