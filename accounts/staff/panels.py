"""Panels above the admin's forms: figures, related lists, buttons, recent events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditEvent

MOST_EVENTS = 8


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
class Day:
    label: str
    calls: int
    refused: int


@dataclass(frozen=True, slots=True)
class Panel:
    facts: list[Fact]
    acts: list[Act] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
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
