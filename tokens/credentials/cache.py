"""Per-process credential cache.

An entry is used only if Redis confirms that the organization's generation is unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
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
from ratelimit.client_ip import client_ip
from ratelimit.types import Decision, Fence
from tokens.credentials import allowed_addresses, outcome
from tokens.credentials.credential import Credential, RefusedSecret
from tokens.credentials.refusal_limits import refusal_limiter
from tokens.crypto import opaque

Found = Credential | RefusedSecret | ErrorCode
Read = Callable[[str], Found]
Exists = Callable[[bytes], bool]


class Entry(NamedTuple):
    credential: Credential
    fence: Fence
    read_at: float


class CredentialCache:
    """Credentials by the digest of their secret, and Redis's epoch of each organization. Bounded in size."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.epochs: dict[UUID, tuple[str, float]] = {}
        self._writing = Lock()

    def put(self, key: bytes, entry: Entry) -> None:
        with self._writing:
            _make_room(self.entries)
            self.entries[key] = entry

    def learn_epoch(self, bucket: UUID, epoch: str) -> None:
        known = self.epochs.get(bucket)
        if known is None or known[0] != epoch:
            with self._writing:
                _make_room(self.epochs)
                self.epochs[bucket] = (epoch, time.monotonic())

    def epoch(self, bucket: UUID | None, before: float) -> str:
        """Return the bucket's epoch if it was known before ``before``, else "".

        An epoch learned later may hide a revocation that was lost with the previous one.
        """
        epoch, since = self.epochs.get(bucket, ("", 0.0)) if bucket else ("", 0.0)
        return epoch if since < before else ""

    def clear(self) -> None:
        self.entries.clear()
        self.epochs.clear()


class RequestCredential:
    """The credential of one request: found in the cache or in SQL, and read again on demand."""

    __slots__ = ("fence", "key", "may_exist", "raw", "read", "request")

    def __init__(self, request: HttpRequest, raw: str, read: Read, may_exist: Exists | None = None) -> None:
        self.request, self.raw, self.read, self.may_exist = request, raw, read, may_exist
        self.key = opaque.digest(raw)

    def find(self, now: datetime | None = None) -> Found:
        """Return it from the cache if the entry is still usable, else from SQL."""
        return self._at_this_address(self._find(now))

    def _find(self, now: datetime | None) -> Found:
        entry = credential_cache.entries.get(self.key) if settings.REDIS_URL else None
        if entry is None or entry.credential.has_ended(now or timezone.now()):
            return self._from_sql() if self._may_be_valid() else errors.RATE_LIMITED
        age = time.monotonic() - entry.read_at
        if age < settings.CREDENTIAL_MEMORY_SECONDS:
            metrics.LOOKUPS("memory").inc()
            self.fence = entry.fence
            return entry.credential
        try:
            return self._from_sql()
        except (OperationalError, InterfaceError):
            # Nothing can change while SQL is unavailable, and the fence shows what had changed before.
            if age >= settings.CREDENTIAL_MEMORY_OUTAGE_SECONDS:
                raise
            metrics.LOOKUPS("memory").inc()
            self.fence = entry.fence
            return entry.credential

    def read_again(self) -> Credential | None:
        """Read it from SQL and store the outcome on the request. Returns None if it is refused now."""
        try:
            found = self._at_this_address(self._from_sql("sql_again"))
        except (OperationalError, InterfaceError):
            found = errors.UNAVAILABLE
        if not isinstance(found, Credential):
            credential_cache.entries.pop(self.key, None)
        return outcome.store(self.request, found)

    def keep(self, decision: Decision) -> None:
        """Cache what was read from SQL, if the epoch has not changed since."""
        credential: Credential = self.request.credential  # type: ignore[attr-defined]
        if self.fence.remembered or credential.organization_id is None:
            return
        credential_cache.learn_epoch(credential.organization_id, decision.epoch)
        if decision.keeps:
            fence = Fence(decision.epoch, self.fence.generation, remembered=True)
            credential_cache.put(self.key, Entry(credential, fence, time.monotonic()))

    def _may_be_valid(self) -> bool:
        """Return False if the address is past its limit and this process knows that the secret is refused."""
        if not refusal_limiter.seconds_left(self.request):
            return True
        was_refused = map(refusal_limiter.was_refused, (self.key, self._key_at_address()))
        return not any(was_refused) and (not self.may_exist or self.may_exist(self.key))

    def _at_this_address(self, found: Found) -> Found:
        """Return it, or its refusal at the request's address. Lists from the cache may have changed since."""
        refused = allowed_addresses.refusal(self.request, found) if isinstance(found, Credential) else None
        if refused is None:
            return found
        if self.fence.remembered and not refusal_limiter.was_refused(self._key_at_address()):
            return self._at_this_address(self._from_sql())
        if refusal_limiter.seconds_left(self.request):
            refusal_limiter.remember_refusal(self._key_at_address())
        return refused

    def _key_at_address(self) -> bytes:
        """Return the key of a refusal that concerns this address only: from others the secret is valid."""
        return self.key + (client_ip(self.request) or "").encode()

    def _from_sql(self, counted_as: str = "sql") -> Found:
        began = time.monotonic()
        found = self.read(self.raw)
        metrics.LOOKUPS(counted_as).inc()
        if not isinstance(found, Credential):
            if refusal_limiter.seconds_left(self.request):
                refusal_limiter.remember_refusal(self.key)
            return found
        epoch = credential_cache.epoch(found.organization_id, began)
        self.fence = Fence(epoch, found.generation, remembered=False)
        return found


credential_cache = CredentialCache()


def _make_room(table: dict[Any, Any]) -> None:
    while len(table) >= settings.CREDENTIAL_MEMORY_SIZE:
        del table[next(iter(table))]
