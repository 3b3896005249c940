"""Admin of invitations: they are shown and revoked. Their links are not shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.members import invitations
from accounts.models import Invitation
from accounts.staff.base import IgnorePostedInlines, ReadOnlyAdmin, confirmation, staff
from accounts.staff.filters import OfOrganization, StateFilter
from accounts.staff.lists import ListPage, matching_organizations
from accounts.staff.search_terms import Typed


class InvitationState(StateFilter):
    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        pending = Q(accepted_at=None, revoked_at=None)
        return {
            "pending": ("Pending", pending & Q(expires_at__gt=now)),
            "expired": ("Expired", pending & Q(expires_at__lte=now)),
            "accepted": ("Accepted", Q(accepted_at__isnull=False)),
            "revoked": ("Revoked", Q(revoked_at__isnull=False)),
        }


@admin.register(Invitation)
class InvitationAdmin(ListPage, ReadOnlyAdmin, IgnorePostedInlines):
    list_display = ("email", "organization", "role", "status", "sent_at", "expires_at")
    list_filter = (OfOrganization, InvitationState, "role")
    search_help_text = "inv_… or org_… id, e-mail, organization"
    ordering = ("-pk",)
    fields = (
        "email",
        "public_id",
        "organization",
        "role",
        "status",
        "invited_by",
        "created_at",
        "sent_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    readonly_fields = ("public_id", "status")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        found: QuerySet[Invitation] = super().get_queryset(request)
        return found.select_related("organization", "inviter__user", "invited_by")

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            return [Q(pk__in=typed.ids("inv")), Q(organization__in=typed.ids("org"))]
        return [Q(email__icontains=typed.in_address), Q(organization__in=list(matching_organizations(typed)))]

    @admin.display
    def status(self, invitation: Invitation) -> str:
        return invitations.status(invitation, timezone.now()).capitalize()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Reject filters on a digest in the query string, which would reveal it."""
        return "digest" not in lookup and super().lookup_allowed(lookup, value, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Map "can change invitations" to the only possible change, which is to revoke."""
        return bool(request.user.has_perm("accounts.change_invitation"))

    @admin.action(permissions=["revoke"], description="Revoke selected invitations")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> HttpResponse | None:
        asked = confirmation(
            self,
            request,
            queryset.filter(accepted_at=None, revoked_at=None),
            title="Revoke invitations",
            warning="Their links stop working immediately. The invited people get no mail.",
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
