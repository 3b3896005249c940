"""Writing and verifying the audit log: in the act's transaction, one hash chain per organization."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import typeid
from accounts.audit import heads, request_context
from accounts.audit.actions import ACTIONS
from accounts.audit.models import GENESIS, AuditChain, AuditEvent
from accounts.permissions.actor import Actor

ID_PREFIXES = {"user": "usr", "staff": "usr", "service_account": "tok", "client": "cli"}


@dataclass(frozen=True, slots=True)
class Target:
    """What was acted on: its type, public id and name at the time."""

    type: str = ""
    id: str = ""
    name: str = ""


NO_TARGET = Target()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event that is not in a chain yet."""

    organization_id: UUID
    action: str
    actor: Actor
    target: Target
    changes: Mapping[str, Any]
    at: datetime


_batch: ContextVar[list[_Entry] | None] = ContextVar("gathered", default=None)


def record(
    *,
    organization_id: UUID,
    action: str,
    actor: Actor,
    target: Target = NO_TARGET,
    changes: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditEvent | None:
    """Append one event; call it last in the act's transaction, because it locks the chain's end.

    ``changes`` maps a name to ``[before, after]`` or to one value; give no secret to it. Inside
    ``batched()`` the event is written at that block's end, and None is returned.
    """
    if action not in ACTIONS:
        raise LookupError(f"{action} is not among the actions.")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event belongs to the transaction of its act.")
    entry = _Entry(organization_id, action, actor, target, changes or {}, now or timezone.now())
    waiting = _batch.get()
    if waiting is None:
        return _append(organization_id, [entry])[0]
    waiting.append(entry)
    return None


@contextmanager
def batched() -> Iterator[None]:
    """Delay the events of the block until it succeeds; for flows that record several events.

    Then the chains are locked, after all other rows and in the order of their organizations' ids. The
    outermost of nested blocks writes. Also a decorator, below ``transaction.atomic``.
    """
    outer = _batch.get()
    if outer is not None:
        before = len(outer)
        try:
            yield
        except BaseException:
            # The failed block's rows are rolled back, even if a caller catches the exception and continues.
            del outer[before:]
            raise
        return
    entries: list[_Entry] = []
    mark = _batch.set(entries)
    try:
        yield
    finally:
        _batch.reset(mark)
    by_organization: dict[UUID, list[_Entry]] = defaultdict(list)
    for entry in entries:
        by_organization[entry.organization_id].append(entry)
    for organization_id in sorted(by_organization):
        _append(organization_id, by_organization[organization_id])


def _append(organization_id: UUID, entries: Sequence[_Entry]) -> list[AuditEvent]:
    locked = AuditChain.objects.select_for_update(no_key=True)
    chain, _ = locked.get_or_create(organization_id=organization_id)
    head, sequence = bytes(chain.head), chain.sequence
    events = []
    for entry in entries:
        event = _event(entry, sequence + 1, head)
        events.append(event)
        head, sequence = bytes(event.hash), event.sequence
    AuditEvent.objects.bulk_create(events)
    AuditChain.objects.filter(pk=organization_id).update(sequence=sequence, head=head)
    if sequence // heads.LOG_EVERY > chain.sequence // heads.LOG_EVERY:
        transaction.on_commit(partial(heads.log, organization_id, sequence, head, timezone.now()))
    return events


def _event(entry: _Entry, sequence: int, head: bytes) -> AuditEvent:
    here = request_context.current()
    event = AuditEvent(
        organization_id=entry.organization_id,
        sequence=sequence,
        action=entry.action,
        actor_type=entry.actor.type,
        actor_id=public_id(entry.actor),
        actor_name=entry.actor.name[:200],
        target_type=entry.target.type,
        target_id=entry.target.id,
        target_name=entry.target.name[:200],
        at=entry.at,
        address=here.address,
        request_id=here.request_id,
        # As it will be read back, so that the hash is of what is stored.
        changes=json.loads(json.dumps(entry.changes, default=str)),
        prev_hash=head,
    )
    event.hash = event.computed_hash()
    return event


def first_broken(organization_id: UUID) -> int | None:
    """The sequence of the first event that is missing or is not what was written; None if all is well."""
    events = AuditEvent.objects.filter(organization_id=organization_id)
    chain = AuditChain.objects.filter(pk=organization_id).first() or AuditChain(pk=organization_id)
    previous, expected = GENESIS, 1
    # What is written while this is read lies behind the chain's end as it was found.
    for event in events.filter(sequence__lte=chain.sequence).in_order():
        intact = (
            event.sequence == expected
            and bytes(event.prev_hash) == previous
            and bytes(event.hash) == event.computed_hash()
        )
        if not intact:
            return expected
        previous, expected = bytes(event.hash), expected + 1
    if (bytes(chain.head), chain.sequence) != (previous, expected - 1):
        return expected
    # One statement sees one state: an event and the chain's new end are committed together.
    end = AuditChain.objects.filter(pk=organization_id).values("sequence")
    unchained = events.filter(sequence__gt=Coalesce(Subquery(end), 0)).exists()
    return expected if unchained else None


def public_id(actor: Actor) -> str:
    if actor.id is None:
        return ""
    return typeid.encode(ID_PREFIXES.get(actor.type, "usr"), actor.id)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """``{name: [before, after]}`` for what differs."""
    names = {**before, **after}
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
