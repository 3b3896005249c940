"""The audit log for staff: looked at, found by organization, and never touched."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.audit_models import AuditEvent
from accounts.staff import LookOnly, NoForgedRows


@admin.register(AuditEvent)
class AuditEventAdmin(LookOnly, NoForgedRows):
    list_display = ("at", "organization", "sequence", "action", "actor_name", "target_name", "address")
    list_filter = ("action", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__slug", "actor_name", "actor_id", "target_id")
    ordering = ("-at", "-sequence")
    show_full_result_count = False
    actions = None
    fields = (
        *("organization", "sequence", "public_id", "action", "at"),
        *("actor_type", "actor_id", "actor_name", "target_type", "target_id", "target_name"),
        *("address", "request_id", "told", "chained", "sealed"),
    )
    readonly_fields = ("public_id", "told", "chained", "sealed")

    @admin.display(description="changes")
    def told(self, event: AuditEvent) -> str:
        return json.dumps(event.changes, ensure_ascii=False)

    @admin.display(description="hash before")
    def chained(self, event: AuditEvent) -> str:
        return bytes(event.prev_hash).hex()

    @admin.display(description="hash")
    def sealed(self, event: AuditEvent) -> str:
        return bytes(event.hash).hex()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}
