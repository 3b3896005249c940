"""Admin of OAuth clients: search, view, delete. Secrets are never shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.staff.base import IgnorePostedInlines, ReadOnlyAdmin, confirmation, staff
from accounts.staff.filters import OfOrganization, StateFilter
from accounts.staff.lists import ListPage, matching_organizations
from accounts.staff.panels import Panel
from accounts.staff.search_terms import Typed
from tokens.models import ClientSecret, Grant, OAuthClient
from tokens.models.secret import KnownSecret
from tokens.oauth.clients import delete_many
from tokens.staff import effects
from tokens.staff.panels import client_panel


def known_by(secret: KnownSecret | None) -> str:
    """Return the name of the former member who knows the secret, and since when."""
    if secret is None or secret.known_since is None:
        return "-"
    return f"{secret.known_to or 'A former member'}, since {secret.known_since:%Y-%m-%d}"


class ClientState(StateFilter):
    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        return {
            "active": ("Active", Q(deleted_at=None)),
            "deleted": ("Deleted", Q(deleted_at__isnull=False)),
        }


@admin.register(OAuthClient)
class ClientAdmin(ListPage, ReadOnlyAdmin, IgnorePostedInlines):
    list_display = ("name", "public_id", "organization", "status", "running_grants", "created")
    list_filter = (OfOrganization, ClientState)
    search_help_text = "cli_… or org_… id, last four characters of a secret, name, organization"
    sortable_by = ("created",)
    ordering = ("-pk",)
    fields = (
        "name",
        "public_id",
        "organization",
        "granted",
        "refresh_auth",
        "masked",
        "running_grants",
        "created_by",
        "responsible",
        "known",
        "parent",
        "parent_client",
        "created_at",
        "expires_at",
        "deleted_at",
    )
    readonly_fields = ("public_id", "granted", "masked", "known", "running_grants")
    actions = ("delete_clients",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthClient]:
        found: QuerySet[OAuthClient] = super().get_queryset(request)
        return found.select_related(
            "organization", "created_by", "responsible__user", "parent", "parent_client"
        ).prefetch_related("secrets")

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            return [Q(pk__in=typed.ids("cli")), Q(organization__in=typed.ids("org"))]
        found = [Q(name__icontains=typed.text), Q(organization__in=list(matching_organizations(typed)))]
        if typed.last_four:
            secrets = ClientSecret.objects.filter(last_four=typed.last_four)
            found.append(Q(pk__in=secrets.values("client")))
        return found

    def summary(self, row: OAuthClient) -> str:
        return f"{row.organization}, {self.status(row).lower()}"

    def panel(self, request: HttpRequest, row: OAuthClient) -> Panel:
        return client_panel(row, self.status(row))

    def with_counts(self, rows: list[OAuthClient]) -> list[OAuthClient]:
        grants = Grant.objects.filter(client__in=rows, revoked_at=None).order_by()
        running = dict(grants.values_list("client").annotate(number=Count("pk")))
        for row in rows:
            row.running = running.get(row.pk, 0)  # type: ignore[attr-defined]
        return rows

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> OAuthClient | None:
        found = super().get_object(request, object_id, from_field)
        return self.with_counts([found])[0] if found else None

    @admin.display
    def status(self, client: OAuthClient) -> str:
        return "Active" if client.deleted_at is None else "Deleted"

    @admin.display(description="created", ordering="pk")
    def created(self, client: OAuthClient) -> date:
        return client.created_at.date()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Forbid filters by digest, which would reveal it."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    @admin.display(description="scopes")
    def granted(self, client: OAuthClient) -> str:
        return ", ".join(client.scopes)

    @admin.display(description="secrets")
    def masked(self, client: OAuthClient) -> str:
        return ", ".join(f"…{secret.last_four}" for secret in client.secrets.all())

    @admin.display(description="known to a former member")
    def known(self, client: OAuthClient) -> str:
        return known_by(client.known_secret)

    @admin.display(description="running grants")
    def running_grants(self, client: OAuthClient) -> int:
        return int(getattr(client, "running", 0))

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may delete clients: deleting is the only change in this admin."""
        return bool(request.user.has_perm("tokens.delete_oauthclient"))

    @admin.action(permissions=["end"], description="Delete selected OAuth clients")
    def delete_clients(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        active = queryset.filter(deleted_at=None)
        asked = confirmation(
            self,
            request,
            active,
            title="Delete OAuth clients",
            warning="They and all their tokens stop at once. This cannot be undone. The records stay.",
            button="Delete",
            effects=lambda chosen: effects.of_programs(chosen, timezone.now()),
        )
        if asked:
            return asked
        with transaction.atomic():
            chosen = list(OAuthClient.objects.filter(pk__in=[client.pk for client in active]))
            ending = OAuthClient.objects.filter(pk__in=[client.pk for client in chosen])
            count = delete_many(chosen=ending, actor=staff(request))
            for client in chosen:
                self.log_change(request, client, "Deleted with all its tokens")
        self.message_user(request, f"Deleted: {count}.", messages.SUCCESS)
        return None
