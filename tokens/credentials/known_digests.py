"""Whether a token's digest exists at all, answered from memory for addresses that only guess.

A process keeps eight bytes of every digest, 8 MB for a million tokens. It reads them when an address is past
its limit of refused credentials, so that further guesses cost no query while a valid token still passes.
It may be trusted because a token's plaintext leaves its flow only after `announce` has added the digest to a
stream in Redis, which is followed before each answer. Without Redis nothing is known, and SQL decides.
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
# Where a process has missed more entries than these, it reads all digests again.
KEPT = 1_000
# Rows that are written by hand are seen after this time at the latest.
RELOAD_SECONDS = 300
PAGE = 20_000
# Beyond this, memory is worth more than the queries of an attack.
MOST = 4_000_000
KEY_BYTES = 8


class Digests:
    """The first bytes of each digest that SQL had, and of each announced since, up to the entry ``last``."""

    def __init__(self) -> None:
        # Before SQL is read: what is announced meanwhile comes after this entry.
        self._last = _add(b"")
        self._read_at = time.monotonic()
        self._keys = _read_keys()
        self._later: set[bytes] = set()

    def follow(self) -> bool:
        """Add what was announced since the last call; False where all has to be read again.

        Raises StoreUnavailable.
        """
        last = self._last
        if time.monotonic() - self._read_at > RELOAD_SECONDS:
            return False
        _, [entries] = client.pipeline(("XRANGE", STREAM, last, "+"))
        # A stream that was trimmed or lost has no longer the entry that was read last.
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


class Existing:
    """The digests of this process, which its threads share."""

    def __init__(self) -> None:
        self._digests: Digests | None = None
        self._reading = Lock()

    def may_hold(self, digest: bytes) -> bool:
        """False only where no token had that digest when this was called."""
        try:
            digests = self._current()
        except client.StoreUnavailable:
            return True
        return digests is None or digests.may_hold(digest)

    def clear(self) -> None:
        self._digests = None

    def _current(self) -> Digests | None:
        """What exists as of now; None while another thread reads."""
        digests = self._digests
        if digests is not None and digests.follow():
            return digests
        if not self._reading.acquire(blocking=False):
            return None
        try:
            # A new object: threads that still follow the old one write into that.
            digests = self._digests = Digests()
        finally:
            self._reading.release()
        return digests


existing = Existing()


def announce(digest: bytes) -> None:
    """Have every process know the digest; call it after the commit and before the plaintext is handed out.

    Where Redis is unavailable just then, the other processes read it after RELOAD_SECONDS: a token that
    is new must not be lost for the sake of addresses past their limit.
    """
    with suppress(client.StoreUnavailable):
        _add(digest[:KEY_BYTES])


def _add(key: bytes) -> bytes:
    """The id of the new entry."""
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
