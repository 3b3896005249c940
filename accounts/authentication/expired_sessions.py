"""Deletion of browser sessions that have expired, and of the rows that listed them."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

BATCH = 1000
# A request that gives its session a new key renames the session's row at its end.
RENAMED_WITHIN = timedelta(hours=1)


def prune(now: datetime) -> int:
    """Delete the sessions that ended before ``now``, in batches; returns how many.

    A person's row whose session is gone is deleted with what was exchanged for the session.
    """
    expired = Session.objects.filter(expire_date__lt=now)
    count = 0
    while keys := list(expired.values_list("pk", flat=True)[:BATCH]):
        count += expired.filter(pk__in=keys).delete()[0]
    session = Session.objects.filter(session_key=OuterRef("session_key"))
    unused = UserSession.objects.filter(~Exists(session), last_seen_at__lt=now - RENAMED_WITHIN)
    while rows := list(unused[:BATCH]):
        for row in rows:
            # In a transaction of its own, which locks the organizations of what ends with it.
            row.delete()
    return count
