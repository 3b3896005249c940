"""The audit log as a file. Every row carries the hash chain, so that the file can be verified by itself:

``hash`` is the SHA-256 of ``prev_hash`` and of the row's canonical JSON (audit_models.computed_hash). The
signed head (audit_heads) says how far the chain had grown; in CSV it is the last row, its sequence ``head``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from accounts.audit.heads import Head
from accounts.audit.models import AuditEvent, AuditEventQuerySet
from accounts.audit.serialize import event_json

COLUMNS = (
    *("sequence", "id", "at", "action", "actor_type", "actor_id", "actor_name"),
    *("target_type", "target_id", "target_name", "ip", "request_id", "changes", "prev_hash", "hash"),
)
# The sequence of the row that holds the chain's head.
HEAD = "head"
EVENTS = '"events": ['
# First characters that spreadsheets take as the beginning of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file for the csv module, whose ``write`` returns the line."""

    def write(self, line: str) -> str:
        return line


def as_csv(events: AuditEventQuerySet, head: Head) -> Iterator[str]:
    """Oldest first, with a line of names before and the chain's head after them."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for event in events.in_order():
        yield writer.writerow(_cells(event))
    yield writer.writerow([HEAD, *[""] * (len(COLUMNS) - 4), head.text, "", head.hash.hex()])


def as_json(events: AuditEventQuerySet, about: dict[str, Any]) -> Iterator[str]:
    """``about`` and the ``events``, oldest first."""
    yield f"{json.dumps(about, ensure_ascii=False)[:-1]}, {EVENTS}"
    before = "\n"
    for event in events.in_order():
        row = event_json(event) | {
            "at": _exactly(event),
            "prevHash": bytes(event.prev_hash).hex(),
            "hash": bytes(event.hash).hex(),
        }
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "\n]}\n"


def outside_events(text: str) -> str:
    """Of an export, what holds its head; any other text is returned whole.

    Events hold names and descriptions, where people may write a head of their own. In JSON a quotation
    mark of theirs is escaped, and in CSV their rows come first.
    """
    if text.startswith("{"):
        return text.partition(EVENTS)[0]
    if text.startswith(",".join(COLUMNS)):
        return text.rpartition(f"\n{HEAD},")[2]
    return text


def escape_formula(text: str) -> str:
    """Return a cell that no spreadsheet evaluates: an apostrophe marks it as text."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _cells(event: AuditEvent) -> list[str | int]:
    texts = (
        *(event.public_id, _exactly(event), event.action),
        *(event.actor_type, event.actor_id, event.actor_name),
        *(event.target_type, event.target_id, event.target_name),
        *(event.address or "", event.request_id),
        json.dumps(event.changes, ensure_ascii=False, sort_keys=True),
        *(bytes(event.prev_hash).hex(), bytes(event.hash).hex()),
    )
    return [event.sequence, *map(escape_formula, texts)]


def _exactly(event: AuditEvent) -> str:
    """With the microseconds that the hash is made of."""
    return event.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
