"""Whether a token's digest exists at all, answered from memory for addresses that only guess.

A process keeps eight bytes of every digest, 8 MB for a million tokens. It is read when an address is past
its limit of refused credentials, so that further guesses cost no query while a valid token still passes.
It may be trusted because a token's plaintext leaves its flow only after `announce`, whose mark in Redis
each answer of "does not exist" is compared with. Without Redis nothing is known, and SQL decides.
"""

from __future__ import annotations

import secrets
import time
from array import array
from bisect import bisect_left
from contextlib import suppress
from threading import Lock

from ratelimit import store
from tokens.models import TokenSecret

MARK = "tsr:{tokens}:created"
# Rows that are written by hand are seen after this time at the latest.
RELOAD_SECONDS = 300
PAGE = 20_000
# Ids are given out before their rows are committed, so the last ones are read again.
OVERLAP = 10_000
# Beyond this, memory is worth more than the queries of an attack.
MOST = 4_000_000


class Existing:
    def __init__(self) -> None:
        self._keys = array("Q")
        self._later: set[int] = set()
        self._mark = b""
        self._read_at = 0.0
        self._base = 0
        self._reading = Lock()

    def may_hold(self, digest: bytes) -> bool:
        """False only where no token had that digest when this was called."""
        try:
            _, [_, mark] = store.ask(("SET", MARK, secrets.token_hex(8), "NX"), ("GET", MARK))
        except store.StoreUnavailable:
            return True
        key = int.from_bytes(digest[:8])
        if self._has(key):
            return True
        is_late = time.monotonic() - self._read_at > RELOAD_SECONDS
        if mark == self._mark and not is_late:
            return len(self._keys) >= MOST
        if not self._reading.acquire(blocking=False):
            return True
        try:
            self._read(everything=is_late or not self._mark)
            self._mark = mark
        finally:
            self._reading.release()
        return self._has(key) or len(self._keys) >= MOST

    def clear(self) -> None:
        self._keys, self._later, self._mark = array("Q"), set(), b""

    def _has(self, key: int) -> bool:
        if key in self._later:
            return True
        keys = self._keys
        place = bisect_left(keys, key)
        return place < len(keys) and keys[place] == key

    def _read(self, *, everything: bool) -> None:
        found = array("Q")
        last = 0 if everything else self._base
        while len(found) < MOST:
            rows = TokenSecret.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "digest")[:PAGE]
            page = list(rows)
            found.extend(int.from_bytes(bytes(digest)[:8]) for _, digest in page)
            if len(page) < PAGE:
                break
            last = page[-1][0]
        if everything:
            self._base = max(0, (page[-1][0] if page else last) - OVERLAP)
            self._later, self._keys = set(), array("Q", sorted(found))
            self._read_at = time.monotonic()
        else:
            self._later = set(found)


existing = Existing()


def announce() -> None:
    """Have every process read again; call it after the commit and before the plaintext is handed out.

    Where Redis is unavailable just then, the other processes read again after RELOAD_SECONDS: a token that
    is new must not be lost for the sake of addresses past their limit.
    """
    with suppress(store.StoreUnavailable):
        store.ask(("SET", MARK, secrets.token_hex(8)))
