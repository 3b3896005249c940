"""Admin of unsent mails: recipient, attempts and last error. Their links are not shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import OutboxMail
from accounts.notifications import outbox
from accounts.staff.base import IgnorePostedInlines, ReadOnlyAdmin
from accounts.staff.filters import StateFilter
from accounts.staff.lists import ListPage
from accounts.staff.search_terms import Typed


class OutboxState(StateFilter):
    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        return {
            "waiting": ("Waiting", Q(given_up_at=None)),
            "given-up": ("Given up", Q(given_up_at__isnull=False)),
        }


@admin.register(OutboxMail)
class OutboxMailAdmin(ListPage, ReadOnlyAdmin, IgnorePostedInlines):
    list_display = ("to", "subject", "last_error", "tries", "next_try", "created_at")
    list_filter = (OutboxState,)
    search_help_text = "Recipient's e-mail address"
    ordering = ("-created_at", "-pk")
    fields = (
        "to",
        "subject",
        "created_at",
        "expires_at",
        "tries",
        "next_try",
        "last_error",
        "given_up_at",
    )
    readonly_fields = ("next_try",)
    actions = ("try_again",)

    def criteria(self, typed: Typed) -> list[Q]:
        return [Q(to__icontains=typed.text)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Reject filters on a digest or a content in the query string, which would reveal it."""
        hidden = "digest" in lookup or "content" in lookup
        return not hidden and super().lookup_allowed(lookup, value, request)

    @admin.display(description="next try")
    def next_try(self, mail: OutboxMail) -> str:
        if mail.given_up_at:
            return "Given up"
        return date_format(timezone.localtime(mail.next_try_at), "DATETIME_FORMAT")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Map "can change unsent mails" to the only possible change, which is to retry."""
        return bool(request.user.has_perm("accounts.change_outboxmail"))

    @admin.action(permissions=["retry"], description="Try again now")
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutboxMail]) -> None:
        chosen = list(queryset.order_by("created_at", "pk"))
        for mail in chosen:
            self.log_change(request, mail, "Tried again.")
        sent = outbox.retry(chosen)
        left = OutboxMail.objects.filter(pk__in=[mail.pk for mail in chosen]).count()
        if sent:
            self.message_user(request, f"Sent: {sent}.", messages.SUCCESS)
        if left:
            sentence = f"Not sent: {left}. The column “Last error” says why."
            self.message_user(request, sentence, messages.WARNING)
        if obsolete := len(chosen) - sent - left:
            sentence = f"Deleted, because their links no longer work: {obsolete}."
            self.message_user(request, sentence, messages.WARNING)
