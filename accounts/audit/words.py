"""Audit events as text, for the audit log page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.audit.actions import ACTIONS
from accounts.audit.grouping import FAILED, person
from accounts.audit.models import AuditEvent

ACTOR_TYPES = {
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
        return ACTOR_TYPES.get(self.event.actor_type, self.event.actor_type)

    @property
    def actor_name(self) -> str:
        """The name, with the type of an actor that is no person."""
        name = self.event.actor_name
        return (
            f"{name} ({self.kind})"
            if self.event.actor_type in ("service_account", "client", "staff")
            else name
        )

    @property
    def is_about_actor(self) -> bool:
        return self.event.target_id == self.event.actor_id

    @property
    def actor_page(self) -> str:
        return self.links.get(self.event.actor_id, "")

    @property
    def target_page(self) -> str:
        return self.links.get(self.event.target_id, "")

    @property
    def changes(self) -> list[Change]:
        return [_change(name, value) for name, value in self.event.changes.items()]


@dataclass(frozen=True, slots=True)
class GroupPresenter:
    """Template context of a row with one event or several, newest first."""

    rows: Sequence[EventPresenter]

    @property
    def newest(self) -> EventPresenter:
        return self.rows[0]

    @property
    def person(self) -> str:
        return person(self.newest.event)[1]

    @property
    def words(self) -> str:
        """The different actions, the newest first."""
        return ", ".join(dict.fromkeys(row.words[:1].lower() + row.words[1:] for row in self.rows))

    @property
    def failures(self) -> int:
        return sum(row.event.action in FAILED for row in self.rows)

    @property
    def addresses(self) -> list[str]:
        return sorted({row.event.address for row in self.rows if row.event.address})


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
