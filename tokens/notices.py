"""Every kind of notice, for housekeeping: find what is due, then write its mails into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from accounts import notices, notices_plan
from accounts.notice_models import NoticeKind
from accounts.notices import Compose
from tokens import notices_clients, notices_expiry, notices_made, notices_reuse

COMPOSERS: Mapping[str, Compose] = {
    NoticeKind.TOKEN_CREATED: notices_made.compose,
    NoticeKind.CLIENT_CREATED: notices_clients.compose,
    NoticeKind.TOKEN_EXPIRING: notices_expiry.compose,
    NoticeKind.REFRESH_REUSED: notices_reuse.compose,
    NoticeKind.PLAN_USED: notices_plan.compose,
}


def find(now: datetime | None = None) -> None:
    """Owe what only time or the counters tell; to be repeated, as often as it shall be told early."""
    notices_expiry.find(now)
    notices_plan.find(now)


def enqueue(now: datetime | None = None) -> None:
    """Write the mails of what was found into the outbox."""
    notices.enqueue_due(COMPOSERS, now=now)


def prune(now: datetime | None = None) -> int:
    """Forget what was told long ago; returns how many."""
    return notices.prune(now or timezone.now())
