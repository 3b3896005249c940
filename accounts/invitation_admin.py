"""Invitations for staff: found, looked at and taken back. Their links are nowhere to be seen."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import invitations
from accounts.models import Invitation
from accounts.staff import LookOnly, LookOnlyInline, NoForgedRows, confirmation, staff


class Standing:
    """What a row and an inline show of an invitation, beside its own columns."""

    @admin.display
    def standing(self, invitation: Invitation) -> str:
        return invitations.status(invitation, timezone.now()).capitalize()


class InvitationInline(Standing, LookOnlyInline):
    """Those that are open; the invitations' own page has them all."""

    model = Invitation
    fields = ("email", "role", "standing", "invited_by", "sent_at", "expires_at")
    verbose_name_plural = "open invitations"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        found = super().get_queryset(request).filter(accepted_at=None, revoked_at=None)
        return found.select_related("organization", "inviter__user", "invited_by")


@admin.register(Invitation)
class InvitationAdmin(Standing, LookOnly, NoForgedRows):
    list_display = ("email", "organization", "role", "standing", "sent_at", "expires_at")
    list_filter = ("role",)
    search_fields = ("email", "organization__name", "organization__slug")
    ordering = ("-created_at",)
    fields = (
        "email",
        "public_id",
        "organization",
        "role",
        "standing",
        "invited_by",
        "created_at",
        "sent_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    readonly_fields = ("public_id", "standing")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        found: QuerySet[Invitation] = super().get_queryset(request)
        return found.select_related("organization", "inviter__user", "invited_by")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter in the address must not answer questions about a digest."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Nothing is changed here but by revoking, so this is what "can change invitations" means."""
        return bool(request.user.has_perm("accounts.change_invitation"))

    @admin.action(permissions=["revoke"], description="Revoke selected invitations")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> HttpResponse | None:
        asked = confirmation(
            self,
            request,
            queryset.filter(accepted_at=None, revoked_at=None),
            title="Revoke invitations",
            warning="Their links are dead at once. Whoever was invited is not told.",
            button="Revoke",
        )
        if asked:
            return asked
        with transaction.atomic():
            withdrawing = list(queryset.filter(accepted_at=None, revoked_at=None))
            chosen = Invitation.objects.filter(pk__in=[one.pk for one in withdrawing])
            count = invitations.withdraw(invitations=chosen, actor=staff(request))
            for one in withdrawing:
                self.log_change(request, one, "Revoked.")
        self.message_user(request, f"Revoked: {count}.", messages.SUCCESS)
        return None
