"""When a member was last seen, by a page, a sign-in or a refresh; precise to five minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership

EVERY = timedelta(minutes=5)


def note_page(member: Membership, now: datetime | None = None) -> None:
    """Update the row only if its value is older than ``EVERY``; otherwise no query."""
    now = now or timezone.now()
    if member.last_seen_at is None or member.last_seen_at <= now - EVERY:
        note(member.pk, now)
        member.last_seen_at = now


def note(membership_id: UUID, now: datetime | None = None) -> None:
    """Call outside of transactions that hold a grant's lock, because a membership's lock comes before it."""
    now = now or timezone.now()
    due = Q(last_seen_at=None) | Q(last_seen_at__lte=now - EVERY)
    Membership.objects.filter(due, pk=membership_id).update(last_seen_at=now)
