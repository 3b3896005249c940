"""Periodic background work: copy usage counters to SQL, send emails, delete expired rows."""

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
from django.utils import timezone

from accounts.audit import heads
from accounts.authentication import support_sessions
from accounts.notifications import outbox
from accounts.notifications.transport import MailServerUnavailable
from accounts.registration.retention import prune_people
from ratelimit.statistics.sync import StatisticsSync
from ratelimit.store.client import StoreUnavailable
from ratelimit.usage.sync import Sync, prune
from tokens.lifecycle.organization_purge import purge_organizations
from tokens.lifecycle.retention import prune_grants, wipe_successors
from tokens.notifications import dispatch, token_unused
from tokens.service_accounts.idle import revoke_unused
from tokens.service_accounts.pause import resume_due

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
# A round takes at most this share of the time, however much there is to store.
BUSY_SHARE = 0.2
PRUNE_SECONDS = 600.0
# Expiring tokens and used quotas are checked this often. The outbox is sent in every round.
FIND_SECONDS = 60.0
COPY_STATISTICS_SECONDS = 60.0
MAIL_SECONDS = 10.0
MAIL_RETRY_SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Stores usage counters, sends mails and deletes what is no longer needed; safe in several copies, "
        "and to kill."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round; fails where a store is down.")
        parser.add_argument("--every", type=float, default=PERIOD_SECONDS, help="Seconds between two rounds.")

    def handle(self, *args: Any, once: bool, every: float, **options: Any) -> None:
        housekeeping = Housekeeping(mail_seconds=None if once else MAIL_SECONDS)
        if once:
            try:
                housekeeping.round()
            except (StoreUnavailable, DatabaseError) as problem:
                raise CommandError(f"A store does not answer: {problem!r}") from problem
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        while True:
            time.sleep(max(every, housekeeping.round_or_log() / BUSY_SHARE))


def end(*_: Any) -> None:
    """Exit at once, without slow cleanup: the next run repeats interrupted work."""
    os._exit(0)


class Housekeeping:
    """The rounds of one process. A round sends emails for about ``mail_seconds``."""

    def __init__(self, mail_seconds: float | None = MAIL_SECONDS) -> None:
        self._sync = Sync()
        self._sync_statistics = StatisticsSync()
        self._mail_seconds = mail_seconds
        self._prune_at = self._find_at = self._mail_at = self._statistics_at = 0.0

    def round(self) -> None:
        if settings.REDIS_URL:
            self._sync()
            if time.monotonic() >= self._statistics_at:
                self._sync_statistics()
                self._statistics_at = time.monotonic() + COPY_STATISTICS_SECONDS
        wipe_successors()
        resume_due()
        support_sessions.end_expired(timezone.now())
        self._mail()
        if time.monotonic() >= self._prune_at:
            token_unused.find()
            revoke_unused()
            prune()
            prune_grants()
            prune_people()
            purge_organizations()
            dispatch.prune()
            outbox.prune(timezone.now())
            heads.write_daily(timezone.now())
            self._prune_at = time.monotonic() + PRUNE_SECONDS

    def _mail(self) -> None:
        """Send notices and the outbox. An unavailable mail server delays nothing else."""
        now = time.monotonic()
        if now >= self._find_at:
            dispatch.find()
            self._find_at = now + FIND_SECONDS
        dispatch.enqueue()
        if now < self._mail_at:
            return
        try:
            outbox.deliver(seconds=self._mail_seconds)
        except MailServerUnavailable as problem:
            logger.warning("Mails wait for the mail server: %s", problem)
            self._mail_at = time.monotonic() + MAIL_RETRY_SECONDS

    def round_or_log(self) -> float:
        """Run a round, and log unavailable stores. Returns its duration in seconds."""
        started = time.monotonic()
        try:
            self.round()
        except (StoreUnavailable, DatabaseError) as problem:
            logger.warning("Housekeeping waits for a store: %r", problem)
        finally:
            close_old_connections()
        return time.monotonic() - started
