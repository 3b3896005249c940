"""Password hashing, one at a time per process, because each hash takes a CPU and much memory.

Others wait in the order of their arrival, on threads that other requests need as well.
Only a few may wait, and the next is refused with 503.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.errors import APIError, ErrorCode

# Not errors.UNAVAILABLE, which is logged: an overload is no fault.
BUSY = ErrorCode(503, "Temporarily unavailable", "unavailable")
RETRY_AFTER = 2
# gunicorn has 8 threads in a process; half of them stay free for everything else.
MOST_WAITING = 3
WAIT_SECONDS = 5.0
# A hash needs a processor for long; one call to the API needs it for a few milliseconds, and comes first.
NICENESS = 10


class Queue:
    """A fair lock; ``turn`` raises APIError(BUSY) if ``most`` callers wait already."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._busy = False
        self._waiting: deque[Event] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if not self._busy:
                self._busy = True
                return
            if len(self._waiting) >= self._most:
                raise APIError(BUSY, retry_after=RETRY_AFTER)
            mine = Event()
            self._waiting.append(mine)
        if mine.wait(WAIT_SECONDS):
            return
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise APIError(BUSY, retry_after=RETRY_AFTER)

    def _leave(self) -> None:
        """Pass the lock to the first waiting caller, so that no later one overtakes it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._busy = False


queue = Queue(MOST_WAITING)


def _lower_priority() -> None:
    """Lower the priority of the calling thread; only Linux has priorities of threads."""
    if sys.platform == "linux":
        os.nice(NICENESS)


# Argon2 computes without the GIL, so that other threads do not wait for this one.
hashing_thread = ThreadPoolExecutor(1, "hashing", _lower_priority)


class OneAtATimeArgon2(Argon2PasswordHasher):
    """Argon2id with 46 MiB on one thread; hashes made with other parameters are verified, and replaced."""

    time_cost = 2
    memory_cost = 47_104
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with queue.turn():
            return hashing_thread.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        with queue.turn():
            return hashing_thread.submit(super().verify, password, encoded).result()
