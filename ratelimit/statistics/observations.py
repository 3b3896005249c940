"""Observed requests of a process: queued during the request, added to a store by a thread each second."""

from __future__ import annotations

import logging
import time
from collections import deque
from threading import Lock, Thread

from django.db import Error as DatabaseError
from django.db import connections

from ratelimit.conf import settings
from ratelimit.statistics import hashes, rows, tables
from ratelimit.statistics.tables import Observation, Tables

logger = logging.getLogger(__name__)

# The oldest are dropped if the thread does not get to them.
MOST_QUEUED = 20_000


class Gatherer:
    """Adds the observations of this process to Redis, or to SQL if Redis is unavailable.

    While both are unavailable it keeps what MOST_SUBJECT_DAYS allows, and tries again at the next flush.
    """

    def __init__(self) -> None:
        self._queue: deque[Observation] = deque(maxlen=MOST_QUEUED)
        self._tables: Tables = {}
        self._flushing = Lock()
        self._starting = Lock()
        self._thread: Thread | None = None

    def observe(self, one: Observation) -> None:
        """Queue a request. This is all that the request itself has to wait for."""
        self._queue.append(one)
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Add all observations to a store now; raises nothing if there is none."""
        with self._flushing:
            for _ in range(len(self._queue)):
                tables.add(self._tables, self._queue.popleft())
            if self._tables and settings.REDIS_URL:
                hashes.add(self._tables)
            if self._tables:
                try:
                    rows.add(self._tables)
                except DatabaseError as problem:
                    logger.warning("Statistics wait for a store: %r", problem)

    def forget(self) -> None:
        """Drop what no store has yet."""
        with self._flushing:
            self._queue.clear()
            self._tables.clear()

    def _start(self) -> None:
        """Start the thread with the first request, which is after any fork. Without seconds there is none."""
        seconds = settings.STATISTICS_SECONDS
        with self._starting:
            if seconds > 0 and self._thread is None:
                self._thread = Thread(target=self._run, args=(seconds,), name="statistics", daemon=True)
                self._thread.start()

    def _run(self, seconds: float) -> None:
        while True:
            time.sleep(seconds)
            try:
                self.flush()
            except Exception:
                # The thread must go on, and what it failed at must not fail again each second.
                logger.exception("Some statistics are lost")
                self.forget()
            finally:
                connections.close_all()


gatherer = Gatherer()
