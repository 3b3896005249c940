"""Writing and checking the audit log: in the act's own transaction, one chain per organization."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import ids, origin
from accounts.actors import Actor
from accounts.audit_models import GENESIS, AuditChain, AuditEvent

ID_PREFIXES = {"user": "usr", "staff": "usr", "service_account": "tok", "client": "cli"}


@dataclass(frozen=True, slots=True)
class Target:
    """What was acted on: its type, public id and name at the time."""

    type: str = ""
    id: str = ""
    name: str = ""


NO_TARGET = Target()


def record(
    *,
    organization_id: UUID,
    action: str,
    actor: Actor,
    target: Target = NO_TARGET,
    changes: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditEvent:
    """Append one event; call it last in the act's transaction, because it locks the chain's end.

    ``changes`` maps a name to ``[before, after]`` or to one value; give no secret to it.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event belongs to the transaction of its act.")
    AuditChain.objects.get_or_create(organization_id=organization_id)
    chain = AuditChain.objects.select_for_update(no_key=True).get(pk=organization_id)
    here = origin.current()
    event = AuditEvent(
        organization_id=organization_id,
        sequence=chain.sequence + 1,
        action=action,
        actor_type=actor.type,
        actor_id=public_id(actor),
        actor_name=actor.name[:200],
        target_type=target.type,
        target_id=target.id,
        target_name=target.name[:200],
        at=now or timezone.now(),
        address=here.address,
        request_id=here.request_id,
        # As it will be read back, so that the hash is of what is stored.
        changes=json.loads(json.dumps(changes or {}, default=str)),
        prev_hash=bytes(chain.head),
    )
    event.hash = event.computed_hash()
    event.save()
    AuditChain.objects.filter(pk=organization_id).update(sequence=event.sequence, head=event.hash)
    return event


def first_broken(organization_id: UUID) -> int | None:
    """The sequence of the first event that is missing or is not what was written; None if all is well."""
    previous, expected = GENESIS, 1
    events = AuditEvent.objects.filter(organization_id=organization_id).order_by("sequence")
    for event in events.iterator(chunk_size=2000):
        intact = (
            event.sequence == expected
            and bytes(event.prev_hash) == previous
            and bytes(event.hash) == event.computed_hash()
        )
        if not intact:
            return expected
        previous, expected = bytes(event.hash), expected + 1
    chain = AuditChain.objects.filter(pk=organization_id).first()
    if chain is None:
        return None if expected == 1 else 1
    return None if (bytes(chain.head), chain.sequence) == (previous, expected - 1) else expected


def public_id(actor: Actor) -> str:
    if actor.id is None:
        return ""
    return ids.encode(ID_PREFIXES.get(actor.type, "usr"), actor.id)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """``{name: [before, after]}`` for what differs."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}
