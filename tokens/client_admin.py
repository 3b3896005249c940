"""OAuth clients for staff: found, looked at and deleted; nothing that proves one is here to be seen."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.staff import LookOnly, NoForgedRows, confirmation, staff
from tokens.clients import delete_many
from tokens.models import OAuthClient
from tokens.models.secrets import KnownSecret


def told_of(secret: KnownSecret | None) -> str:
    """Who knows the present secret without access, and since when."""
    if secret is None or secret.known_since is None:
        return "-"
    return f"{secret.known_to or 'A former member'}, since {secret.known_since:%Y-%m-%d}"


@admin.register(OAuthClient)
class ClientAdmin(LookOnly, NoForgedRows):
    list_display = ("name", "public_id", "organization", "running_grants", "created_at", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "secrets__last_four__exact", "organization__name", "organization__slug")
    search_help_text = "Name, last four characters or organization. Never put a whole secret here."
    ordering = ("-created_at",)
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
        "created_at",
        "deleted_at",
    )
    readonly_fields = ("public_id", "granted", "masked", "known", "running_grants")
    actions = ("delete_clients",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthClient]:
        running = Count("grants", filter=Q(grants__revoked_at=None), distinct=True)
        found: QuerySet[OAuthClient] = super().get_queryset(request)
        related = found.select_related("organization", "created_by", "responsible__user")
        return related.prefetch_related("secrets").annotate(running=running)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter in the address must not answer questions about a digest."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    @admin.display(description="scopes")
    def granted(self, client: OAuthClient) -> str:
        return ", ".join(client.scopes)

    @admin.display(description="secrets")
    def masked(self, client: OAuthClient) -> str:
        return ", ".join(f"…{secret.last_four}" for secret in client.secrets.all())

    @admin.display(description="known to a former member")
    def known(self, client: OAuthClient) -> str:
        return told_of(client.known_secret)

    @admin.display(description="running grants", ordering="running")
    def running_grants(self, client: OAuthClient) -> int:
        return int(getattr(client, "running", 0))

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Nothing is changed here but by deleting, so this is what "can delete clients" means."""
        return bool(request.user.has_perm("tokens.delete_oauthclient"))

    @admin.action(permissions=["end"], description="Delete selected OAuth clients")
    def delete_clients(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        living = queryset.filter(deleted_at=None)
        asked = confirmation(
            self,
            request,
            living,
            title="Delete OAuth clients",
            warning="They and all their tokens stop at once and for good. The records stay.",
            button="Delete",
        )
        if asked:
            return asked
        with transaction.atomic():
            chosen = list(OAuthClient.objects.filter(pk__in=[client.pk for client in living]))
            ending = OAuthClient.objects.filter(pk__in=[client.pk for client in chosen])
            count = delete_many(chosen=ending, actor=staff(request))
            for client in chosen:
                self.log_change(request, client, "Deleted with all its tokens")
        self.message_user(request, f"Deleted: {count}.", messages.SUCCESS)
        return None
