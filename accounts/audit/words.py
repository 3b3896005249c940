"""Audit events as text, for the audit log page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditEvent

KINDS = {
    "anonymous": "unauthenticated",
    "client": "OAuth client",
    "internal": "internal job",
    "service_account": "API token",
    "staff": "Tessera's staff",
    "system": "the system",
    "user": "person",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A changed field: its values before and after, or a single value."""

    name: str
    before: str
    after: str
    is_pair: bool


@dataclass(frozen=True, slots=True)
class EventPresenter:
    """Template context of an event; ``links`` maps public ids to the URLs of their pages."""

    event: AuditEvent
    links: Mapping[str, str]

    @property
    def words(self) -> str:
        return ACTIONS.get(self.event.action, self.event.action)

    @property
    def kind(self) -> str:
        return KINDS.get(self.event.actor_type, self.event.actor_type)

    @property
    def actor_page(self) -> str:
        return self.links.get(self.event.actor_id, "")

    @property
    def target_page(self) -> str:
        return self.links.get(self.event.target_id, "")

    @property
    def changes(self) -> list[Change]:
        return [_change(name, value) for name, value in self.event.changes.items()]


def _change(name: str, value: Any) -> Change:
    label = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)
    label = label[:1].upper() + label[1:].lower()
    if isinstance(value, list) and len(value) == 2:
        before = "" if value[0] is None else in_words(value[0])
        return Change(label, before, in_words(value[1]), is_pair=True)
    return Change(label, "", in_words(value), is_pair=False)


def in_words(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
