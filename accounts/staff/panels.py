"""Panels above the admin's forms: figures, buttons, usage, related rows, recent events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditEvent
from accounts.models import StaffNote

MOST_EVENTS = 8
MOST_NOTES = 5
NOTE_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value, optionally with a link."""

    label: str
    value: Any
    url: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """A button for one of the list's actions on this row; the action asks for confirmation."""

    action: str
    label: str


@dataclass(frozen=True, slots=True)
class UsageChart:
    """The calls by day; ``figures`` and ``chart`` are as the template of the usage page takes them."""

    title: str
    figures: Any
    chart: Any
    limit: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of related data: a name with its page, and the texts of the further columns."""

    name: str
    url: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The first related rows, and the list of all of them."""

    title: str
    columns: tuple[str, ...]
    rows: list[Row]
    list_label: str
    list_url: str
    empty: str


@dataclass(frozen=True, slots=True)
class Panel:
    """``notes`` is None where staff write none."""

    facts: list[Fact]
    acts: list[Act] = field(default_factory=list)
    usage: UsageChart | None = None
    tables: list[Table] = field(default_factory=list)
    notes: list[StaffNote] | None = None
    events: list[tuple[AuditEvent, str]] = field(default_factory=list)
    events_url: str = ""


def list_url(model: str, **filters: str) -> str:
    """Return the URL of the filtered list of ``app_model``."""
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode(filters)}"


def page_url(model: str, pk: UUID) -> str:
    return reverse(f"admin:{model}_change", args=[pk])


def recent_events(organization_id: UUID, target: str = "") -> list[tuple[AuditEvent, str]]:
    """Return the organization's latest events, or those about ``target``, with their descriptions."""
    events = AuditEvent.objects.filter(organization_id=organization_id)
    events = events.filter(target_id=target).order_by("-pk") if target else events.order_by("-sequence")
    return [(event, ACTIONS.get(event.action, event.action)) for event in events[:MOST_EVENTS]]


def latest_notes(organization_id: UUID) -> list[StaffNote]:
    notes = StaffNote.objects.filter(organization_id=organization_id).select_related("author")
    return list(notes[:MOST_NOTES])
