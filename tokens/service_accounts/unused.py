"""Tokens that are not used, for the badges and the filter of the list."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

# A token is unused if its last call is this old, or if it has existed this long without a call.
UNUSED = timedelta(days=90)
NEVER_USED = timedelta(days=30)


def is_unused(created_at: datetime, last_used_at: datetime | None, now: datetime) -> bool:
    if last_used_at is None:
        return created_at <= now - NEVER_USED
    return last_used_at <= now - UNUSED


def unused(last_use: str, now: datetime) -> Q:
    """Return the same as a condition of a query; ``last_use`` names its column."""
    never = Q(**{last_use: None, "created_at__lte": now - NEVER_USED})
    return never | Q(**{f"{last_use}__lte": now - UNUSED})
