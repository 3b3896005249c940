"""Admin of the audit log, which is read-only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from accounts import typeid
from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditEvent
from accounts.models import User
from accounts.staff.base import IgnorePostedInlines, ReadOnlyAdmin
from accounts.staff.filters import GivenFilter, OfOrganization, StateFilter
from accounts.staff.lists import ListPage, matching_organizations
from accounts.staff.panels import Fact, Panel, list_url, page_url
from accounts.staff.search_terms import Typed

MOST_PEOPLE = 100


# The page of each kind of actor and target, by the prefix of its public id.
PAGES = {
    "usr": "accounts_user",
    "mem": "accounts_membership",
    "org": "accounts_organization",
    "inv": "accounts_invitation",
    "tok": "tokens_serviceaccounttoken",
    "cli": "tokens_oauthclient",
}


def page_of(public_id: str) -> str:
    """Return the admin page of an event's actor or target; "" if it has none."""
    prefix = public_id.partition("_")[0]
    found = Typed.of(public_id).ids(prefix)
    return page_url(PAGES[prefix], found[0]) if found and prefix in PAGES else ""


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
class AuditEventAdmin(ListPage, ReadOnlyAdmin, IgnorePostedInlines):
    in_search = False
    list_display = ("at", "organization", "words", "actor_name", "target_name")
    list_filter = (OfOrganization, ByActor, OfTarget, ActionFilter)
    list_select_related = ("organization",)
    search_help_text = "Organization; id of an event, actor or target; e-mail of the actor"
    ordering = ("-pk",)
    actions = None
    fields = (
        *("organization", "sequence", "public_id", "action", "at"),
        *("actor_type", "actor_id", "actor_name", "target_type", "target_id", "target_name"),
        *("address", "request_id", "details", "chained", "sealed"),
    )
    readonly_fields = ("public_id", "details", "chained", "sealed")

    @admin.display(description="changes")
    def details(self, event: AuditEvent) -> str:
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

    @admin.display(description="event")
    def words(self, event: AuditEvent) -> str:
        return ACTIONS.get(event.action, event.action)

    def panel(self, request: HttpRequest, row: AuditEvent) -> Panel:
        own = {"organization": typeid.encode("org", row.organization_id)}
        return Panel(
            facts=[
                Fact("Event", self.words(row)),
                Fact("Actor", row.actor_name or row.actor_type, page_of(row.actor_id)),
                Fact("Target", row.target_name or "None", page_of(row.target_id)),
                Fact("All of this target", "Show", list_url("accounts_auditevent", target=row.target_id)),
                Fact("All of this actor", "Show", list_url("accounts_auditevent", actor=row.actor_id)),
                Fact("All of the organization", "Show", list_url("accounts_auditevent", **own)),
            ]
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}
