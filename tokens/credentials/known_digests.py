"""Index of all token digests in the process's memory, for addresses past their limit of refused credentials.

A process keeps eight bytes of every digest, 8 MB for a million tokens. It reads them when an address is past
its limit, so that further guesses cost no query while a valid token is still accepted. The index is complete:
a token's plaintext is returned only after `announce` has added its digest to a Redis stream, which is read
before each look-up. Without Redis the index is not used, and SQL decides.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from contextlib import suppress
from threading import Lock

from ratelimit.store import client
from tokens.models import TokenSecret

STREAM = "tsr:{tokens}:new"
# A process that has missed more entries than these reads all digests again.
KEPT = 1_000
# Rows inserted by hand are found after this time at the latest.
RELOAD_SECONDS = 300
PAGE = 20_000
# Beyond this number the index would need too much memory, and SQL decides.
MOST = 4_000_000
KEY_BYTES = 8


class DigestIndex:
    """The first bytes of each digest in SQL and of those announced since, up to stream entry ``_last``."""

    def __init__(self) -> None:
        # Added before SQL is read, so that digests announced meanwhile come after this entry.
        self._last = _add(b"")
        self._read_at = time.monotonic()
        self._keys = _read_keys()
        self._later: set[bytes] = set()

    def follow(self) -> bool:
        """Add the digests announced since the last call. Returns False if the index has to be rebuilt.

        Raises StoreUnavailable.
        """
        last = self._last
        if time.monotonic() - self._read_at > RELOAD_SECONDS:
            return False
        _, [entries] = client.pipeline(("XRANGE", STREAM, last, "+"))
        # A stream that was trimmed or lost no longer has the entry that was read last.
        if not entries or entries[0][0] != last:
            return False
        self._later.update(fields[1] for _, fields in entries[1:])
        self._last = entries[-1][0]
        return True

    def may_hold(self, digest: bytes) -> bool:
        if len(self._keys) >= MOST or digest[:KEY_BYTES] in self._later:
            return True
        key = int.from_bytes(digest[:KEY_BYTES])
        place = bisect_left(self._keys, key)
        return place < len(self._keys) and self._keys[place] == key


class KnownDigests:
    """The index of this process, shared by its threads."""

    def __init__(self) -> None:
        self._digests: DigestIndex | None = None
        self._reading = Lock()

    def may_hold(self, digest: bytes) -> bool:
        """Return False only if no token had that digest when this was called."""
        try:
            digests = self._current()
        except client.StoreUnavailable:
            return True
        return digests is None or digests.may_hold(digest)

    def clear(self) -> None:
        self._digests = None

    def _current(self) -> DigestIndex | None:
        """Return the up-to-date index, or None while another thread builds it."""
        digests = self._digests
        if digests is not None and digests.follow():
            return digests
        if not self._reading.acquire(blocking=False):
            return None
        try:
            # A new object, because other threads may still update the old one.
            digests = self._digests = DigestIndex()
        finally:
            self._reading.release()
        return digests


known_digests = KnownDigests()


def announce(digest: bytes) -> None:
    """Publish the digest to every process: call it after the commit and before the plaintext is returned.

    If Redis is unavailable, the other processes find it after RELOAD_SECONDS. The request succeeds, because
    only addresses past their limit are affected.
    """
    with suppress(client.StoreUnavailable):
        _add(digest[:KEY_BYTES])


def _add(key: bytes) -> bytes:
    """Return the id of the new entry."""
    _, [entry] = client.pipeline(("XADD", STREAM, "MAXLEN", "~", KEPT, "*", "key", key))
    found: bytes = entry
    return found


def _read_keys() -> array[int]:
    found, last = array("Q"), 0
    while len(found) < MOST:
        rows = TokenSecret.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "digest")[:PAGE]
        page = list(rows)
        found.extend(int.from_bytes(bytes(digest)[:KEY_BYTES]) for _, digest in page)
        if len(page) < PAGE:
            break
        last = page[-1][0]
    return array("Q", sorted(found))
