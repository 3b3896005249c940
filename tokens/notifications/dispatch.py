"""Every kind of notice, for housekeeping: find what is due, then write its mails into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from accounts.models.notice import NoticeKind
from accounts.notifications import notices, plan_usage
from accounts.notifications.notices import Compose
from tokens.notifications import client_created, refresh_reuse, token_created, token_expiring

COMPOSERS: Mapping[str, Compose] = {
    NoticeKind.TOKEN_CREATED: token_created.compose,
    NoticeKind.CLIENT_CREATED: client_created.compose,
    NoticeKind.TOKEN_EXPIRING: token_expiring.compose,
    NoticeKind.REFRESH_REUSED: refresh_reuse.compose,
    NoticeKind.PLAN_USED: plan_usage.compose,
}


def find(now: datetime | None = None) -> None:
    """Owe what only time or the counters tell; to be repeated, as often as it shall be told early."""
    token_expiring.find(now)
    plan_usage.find(now)


def enqueue(now: datetime | None = None) -> None:
    """Write the mails of what was found into the outbox."""
    notices.enqueue_due(COMPOSERS, now=now)


def prune(now: datetime | None = None) -> int:
    """Forget what was told long ago; returns how many."""
    return notices.prune(now or timezone.now())
