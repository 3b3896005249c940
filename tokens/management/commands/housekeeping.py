"""Work beside the requests: usage counters into SQL, and away with what has had its time."""

from __future__ import annotations

import logging
import os
import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import close_old_connections

from accounts.pruning import prune_people
from ratelimit.drain import Drain, prune
from ratelimit.store import StoreUnavailable
from tokens.pruning import prune_grants, wipe_successors

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
# A round takes at most this share of the time, however much there is to store.
BUSY_SHARE = 0.2
PRUNE_SECONDS = 600.0


class Command(BaseCommand):
    help = "Stores usage counters and deletes what is no longer needed; safe in several copies, and to kill."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round; fails where a store is down.")
        parser.add_argument("--every", type=float, default=PERIOD_SECONDS, help="Seconds between two rounds.")

    def handle(self, *args: Any, once: bool, every: float, **options: Any) -> None:
        house = House()
        if once:
            try:
                house.round()
            except (StoreUnavailable, DatabaseError) as problem:
                raise CommandError(f"A store does not answer: {problem!r}") from problem
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        while True:
            time.sleep(max(every, house.round_or_log() / BUSY_SHARE))


def end(*_: Any) -> None:
    """At once: the next round repeats whatever is interrupted, and an interpreter takes long to clean up."""
    os._exit(0)


class House:
    """One process's rounds, and when each part is due."""

    def __init__(self) -> None:
        self._drain = Drain()
        self._prune_at = 0.0

    def round(self) -> None:
        if settings.REDIS_URL:
            self._drain()
        wipe_successors()
        if time.monotonic() >= self._prune_at:
            prune()
            prune_grants()
            prune_people()
            self._prune_at = time.monotonic() + PRUNE_SECONDS

    def round_or_log(self) -> float:
        """A round that outlives its stores; returns the seconds that it took."""
        started = time.monotonic()
        try:
            self.round()
        except (StoreUnavailable, DatabaseError) as problem:
            logger.warning("Housekeeping waits for a store: %r", problem)
        finally:
            close_old_connections()
        return time.monotonic() - started
