"""Housekeeping of all notices: find those that are due, and write their emails to the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from accounts.models.notice import NoticeKind
from accounts.notifications import notices, plan_usage
from accounts.notifications.notices import Compose
from tokens.notifications import (
    client_created,
    refresh_reuse,
    secret_leaked,
    superseded_used,
    token_created,
    token_expiring,
    token_paused,
    token_rotated,
    token_unused,
)

COMPOSERS: Mapping[str, Compose] = {
    NoticeKind.TOKEN_CREATED: token_created.compose,
    NoticeKind.CLIENT_CREATED: client_created.compose,
    NoticeKind.TOKEN_EXPIRING: token_expiring.compose,
    NoticeKind.TOKEN_ROTATED: token_rotated.compose,
    NoticeKind.TOKEN_PAUSED: token_paused.compose,
    NoticeKind.SUPERSEDED_USED: superseded_used.compose,
    NoticeKind.TOKEN_LEAKED: secret_leaked.compose,
    NoticeKind.TOKEN_UNUSED: token_unused.compose,
    NoticeKind.REFRESH_REUSED: refresh_reuse.compose,
    NoticeKind.PLAN_USED: plan_usage.compose,
}


def find(now: datetime | None = None) -> None:
    """Store notices that are due by time or usage. Run it periodically."""
    token_expiring.find(now)
    plan_usage.find(now)


def enqueue(now: datetime | None = None) -> None:
    """Write the emails of stored notices to the outbox."""
    notices.enqueue_due(COMPOSERS, now=now)


def prune(now: datetime | None = None) -> int:
    """Delete old sent notices. Returns their number."""
    return notices.prune(now or timezone.now())
