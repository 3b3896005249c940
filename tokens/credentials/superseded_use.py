"""Alarm on the use of a superseded secret after its overlap: one event and one mail per token and UTC day."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from threading import Lock
from uuid import UUID

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from ratelimit.usage import refused_uses
from tokens.audit import token_events
from tokens.credentials.credential import RefusedSecret
from tokens.models import TokenSecret
from tokens.notifications import superseded_used

logger = logging.getLogger(__name__)
MOST = 10_000


class Reported:
    """Tokens that this process has reported today, so that a flood costs no query. Bounded in size."""

    def __init__(self) -> None:
        self._day, self._tokens = "", set[UUID]()
        self._writing = Lock()

    def add(self, day: str, token_id: UUID) -> bool:
        """Return False if the token was reported on that day."""
        with self._writing:
            if day != self._day or len(self._tokens) >= MOST:
                self._day, self._tokens = day, set()
            is_first = token_id not in self._tokens
            self._tokens.add(token_id)
            return is_first

    def discard(self, token_id: UUID) -> None:
        self._tokens.discard(token_id)


reported = Reported()


def report(found: RefusedSecret, now: datetime | None = None) -> None:
    """Report a use that was refused and counted. The day's first process writes; the response never fails."""
    now = now or timezone.now()
    day = now.astimezone(UTC).date().isoformat()
    if not reported.add(day, found.subject):
        return
    try:
        _write(found, day, now)
    except (DatabaseError, InterfaceError):
        reported.discard(found.subject)
        logger.warning("The use of a superseded secret could not be reported.", exc_info=True)


@transaction.atomic
def _write(found: RefusedSecret, day: str, now: datetime) -> None:
    secret = TokenSecret.objects.filter(pk__in=[found.secret_id]).select_related("token").first()
    if secret and superseded_used.enqueue(secret, found.cause, day, now):
        uses = refused_uses.by_address(found.bucket, found.subject, found.cause, now=now)
        token_events.superseded_used(secret.token, secret, sum(one.count for one in uses))
