"""The admin's action that asks for a support session."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.authentication import support_sessions
from accounts.staff import support
from accounts.staff.base import confirmation, given_reason
from ratelimit.admin import Page


class SupportAction(Page):
    """Mixin of the organizations' admin."""

    def has_support_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(support_sessions.PERMISSION))

    @admin.action(permissions=["support"], description="Open a support session in the selected organization")
    def support(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for a reason, then show the link, in the response of this POST only."""
        chosen = queryset.filter(deleted_at=None)
        if chosen.count() != 1:
            self.message_user(request, "Select one organization that is not deleted.", messages.WARNING)
            return None
        asked = confirmation(
            self,
            request,
            chosen,
            title="Open a support session",
            warning=(
                "For 30 minutes you see the organization's settings as a viewer does, and change nothing. "
                "Its audit log records your name, the reason and the end."
            ),
            button="Get the link",
            harmless=True,
            needs_reason=True,
        )
        return asked or support.show_link(self, request, chosen.get(), given_reason(request))
