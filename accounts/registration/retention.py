"""Deletion of links and browser sessions that have expired, and of accounts without a proven address."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.authentication import expired_sessions, known_devices, mailed_links, unverified


def prune_people(now: datetime | None = None) -> None:
    now = now or timezone.now()
    mailed_links.prune(now)
    known_devices.prune(now)
    expired_sessions.prune(now)
    unverified.prune(now - timedelta(days=settings.UNPROVEN_DAYS))
