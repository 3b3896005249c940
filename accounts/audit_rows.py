"""An event in words, for the page of the audit log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from accounts.audit_actions import ACTIONS
from accounts.audit_models import AuditEvent

KINDS = {
    "anonymous": "nobody known",
    "client": "OAuth client",
    "internal": "internal job",
    "service_account": "API token",
    "staff": "Tessera's staff",
    "system": "the system",
    "user": "person",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of an event: what it was, if it was anything, and what it became; or a single value."""

    name: str
    before: str
    after: str
    is_pair: bool


@dataclass(frozen=True, slots=True)
class Row:
    event: AuditEvent

    @property
    def words(self) -> str:
        return ACTIONS.get(self.event.action, self.event.action)

    @property
    def kind(self) -> str:
        return KINDS.get(self.event.actor_type, self.event.actor_type)

    @property
    def when(self) -> str:
        """``2026-11-16 14:03:22.123 UTC``, however the reader's clock is set."""
        utc = self.event.at.astimezone(UTC)
        return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d} UTC"

    @property
    def datetime(self) -> str:
        return self.event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

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
