"""Away with links that have expired, and with sign-ups whose address nobody ever proved."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.authentication import known_devices, mailed_links, unverified


def prune_people(now: datetime | None = None) -> None:
    now = now or timezone.now()
    mailed_links.prune(now)
    known_devices.prune(now)
    unverified.prune(now - timedelta(days=settings.UNPROVEN_DAYS))
