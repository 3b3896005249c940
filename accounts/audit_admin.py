"""The audit log for staff: looked at, found by organization, and never touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from accounts.admin_filters import GivenFilter, OfOrganization, StateFilter
from accounts.admin_lists import ListPage, matching_organizations
from accounts.audit_actions import ACTIONS
from accounts.audit_models import AuditEvent
from accounts.models import User
from accounts.staff import LookOnly, NoForgedRows
from accounts.typed import Typed

MOST_PEOPLE = 100


class ActionFilter(StateFilter):
    title = "action"
    parameter_name = "action"

    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        return {action: (words, Q(action=action)) for action, words in ACTIONS.items()}


class ByActor(GivenFilter):
    title = "actor"
    parameter_name = "actor"

    def condition(self, value: str) -> Q:
        return Q(actor_id=value)


class OfTarget(GivenFilter):
    title = "target"
    parameter_name = "target"

    def condition(self, value: str) -> Q:
        return Q(target_id=value)


@admin.register(AuditEvent)
class AuditEventAdmin(ListPage, LookOnly, NoForgedRows):
    in_search = False
    list_display = ("at", "organization", "sequence", "action", "actor_name", "target_name", "address")
    list_filter = (OfOrganization, ByActor, OfTarget, ActionFilter)
    list_select_related = ("organization",)
    search_help_text = "Organization; id of an event, actor or target; e-mail of the actor"
    ordering = ("-pk",)
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

    def criteria(self, typed: Typed) -> list[Q]:
        if typed.is_id:
            return [
                Q(pk__in=typed.ids("evt")),
                Q(organization__in=typed.ids("org")),
                Q(actor_id=typed.text),
                Q(target_id=typed.text),
            ]
        if typed.address:
            people = User.objects.filter(email__startswith=typed.address)[:MOST_PEOPLE]
            return [Q(actor_id__in=[user.public_id for user in people])]
        return [Q(organization__in=list(matching_organizations(typed)))]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}
