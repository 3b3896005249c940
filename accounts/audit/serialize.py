"""An audit event as JSON, for the API and the exports."""

from __future__ import annotations

from typing import Any

from accounts.audit.models import AuditEvent
from accounts.drf.fields import instant


def event_json(event: AuditEvent) -> dict[str, Any]:
    """Return the event as the API's JSON."""
    return {
        "id": event.public_id,
        "sequence": event.sequence,
        "action": event.action,
        "actor": _party(event.actor_type, event.actor_id, event.actor_name),
        "target": _party(event.target_type, event.target_id, event.target_name),
        "at": instant(event.at),
        "ip": event.address,
        "requestId": event.request_id,
        "changes": event.changes,
    }


def _party(kind: str, public_id: str, name: str) -> dict[str, str | None]:
    return {"type": kind, "id": public_id or None, "name": name}
