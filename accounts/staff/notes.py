"""The admin's action that adds a note to an organization."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import StaffNote
from accounts.staff.panels import NOTE_LENGTH
from ratelimit.admin import Page


class NoteAction(Page):
    """Mixin of the organizations' admin. The note is written on an organization's page."""

    def has_note_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.add_staffnote"))

    @admin.action(permissions=["note"], description="Add a note to selected organizations")
    @transaction.atomic
    def add_note(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        text = request.POST.get("note", "").strip()
        if not text or len(text) > NOTE_LENGTH:
            sentence = f"Write a note of at most {NOTE_LENGTH:,} characters on the organization's page."
            self.message_user(request, sentence, messages.WARNING)
            return
        for organization in queryset:
            StaffNote.objects.create(organization=organization, author_id=request.user.pk, text=text)
            self.log_change(request, organization, "Added a note.")
        self.message_user(request, "The note was added.", messages.SUCCESS)
