"""What a worker remembers of credentials: never trusted by itself, only under the organization's fence."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.utils import timezone

from accounts import errors
from accounts.errors import ErrorCode
from ratelimit import metrics
from ratelimit.types import Decision, Fence
from tokens.credentials.credential import Credential, RefusedSecret
from tokens.credentials.refusal_limits import guesses, refuse

Found = Credential | RefusedSecret | ErrorCode
Read = Callable[[str], Found]
Exists = Callable[[bytes], bool]


class Entry(NamedTuple):
    credential: Credential
    fence: Fence
    born: float


class Memory:
    """Credentials by the digest of their secret, and the store's epoch of each organization; bounded."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.epochs: dict[UUID, tuple[str, float]] = {}
        self._writing = Lock()

    def put(self, key: bytes, entry: Entry) -> None:
        with self._writing:
            _make_room(self.entries)
            self.entries[key] = entry

    def saw(self, bucket: UUID, epoch: str) -> None:
        known = self.epochs.get(bucket)
        if known is None or known[0] != epoch:
            with self._writing:
                _make_room(self.epochs)
                self.epochs[bucket] = (epoch, time.monotonic())

    def epoch(self, bucket: UUID | None, before: float) -> str:
        """The epoch known before that moment: one met later may hide a change that was lost with the last."""
        epoch, since = self.epochs.get(bucket, ("", 0.0)) if bucket else ("", 0.0)
        return epoch if since < before else ""

    def clear(self) -> None:
        self.entries.clear()
        self.epochs.clear()


class Known:
    """One request's credential: how it is known, and how to know it anew."""

    __slots__ = ("fence", "key", "may_exist", "raw", "read", "request")

    def __init__(self, request: HttpRequest, raw: str, read: Read, may_exist: Exists | None = None) -> None:
        self.request, self.raw, self.read, self.may_exist = request, raw, read, may_exist
        self.key = sha256(raw.encode()).digest()

    def find(self, now: datetime | None = None) -> Found:
        """From memory where that may still hold, else from SQL."""
        entry = memory.entries.get(self.key) if settings.REDIS_URL else None
        if entry is None or entry.credential.has_ended(now or timezone.now()):
            return self._from_sql() if self._may_be_valid() else errors.RATE_LIMITED
        age = time.monotonic() - entry.born
        if age < settings.CREDENTIAL_MEMORY_SECONDS:
            metrics.LOOKUPS("memory").inc()
            self.fence = entry.fence
            return entry.credential
        try:
            return self._from_sql()
        except (OperationalError, InterfaceError):
            # Nothing can change while SQL is away, and the fence still tells of what had changed before.
            if age >= settings.CREDENTIAL_MEMORY_OUTAGE_SECONDS:
                raise
            metrics.LOOKUPS("memory").inc()
            self.fence = entry.fence
            return entry.credential

    def read_again(self) -> Credential | None:
        """Read it from SQL; None where it is refused now. The request carries the outcome."""
        try:
            found = self._from_sql("sql_again")
        except (OperationalError, InterfaceError):
            found = errors.UNAVAILABLE
        if not isinstance(found, Credential):
            memory.entries.pop(self.key, None)
            self.request.credential, self.request.credential_error = None, refuse(self.request, found)  # type: ignore[attr-defined]
            return None
        self.request.credential = found  # type: ignore[attr-defined]
        return found

    def keep(self, decision: Decision) -> None:
        """Remember what was read from SQL, where it was read under the epoch that still stands."""
        credential: Credential = self.request.credential  # type: ignore[attr-defined]
        if self.fence.remembered or credential.organization_id is None:
            return
        memory.saw(credential.organization_id, decision.epoch)
        if decision.keeps:
            fence = Fence(decision.epoch, self.fence.generation, remembered=True)
            memory.put(self.key, Entry(credential, fence, time.monotonic()))

    def _may_be_valid(self) -> bool:
        """False where an address is past its limit and memory can tell that this will be refused."""
        if not guesses.seconds_left(self.request):
            return True
        return not guesses.refused_just_now(self.key) and (not self.may_exist or self.may_exist(self.key))

    def _from_sql(self, counted_as: str = "sql") -> Found:
        began = time.monotonic()
        found = self.read(self.raw)
        metrics.LOOKUPS(counted_as).inc()
        if not isinstance(found, Credential):
            if guesses.seconds_left(self.request):
                guesses.refuse_again(self.key)
            return found
        self.fence = Fence(memory.epoch(found.organization_id, began), found.generation, remembered=False)
        return found


memory = Memory()


def _make_room(table: dict[Any, Any]) -> None:
    while len(table) >= settings.CREDENTIAL_MEMORY_SIZE:
        del table[next(iter(table))]
