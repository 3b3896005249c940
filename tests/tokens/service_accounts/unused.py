"""Unused tokens at given times, and the rounds of housekeeping that announce and revoke them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.core import mail

from accounts.models import Membership, Notice
from accounts.notifications import outbox
from ratelimit.models import DailyUsage
from tests.support.notices import told_since
from tests.support.people import make_token
from tokens.notifications import dispatch, token_unused
from tokens.service_accounts.idle import revoke_unused
from tokens.service_accounts.issue import Issued

# A policy of 60 days, and a token that was created at START.
DAYS = 60
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ANNOUNCED = START + (DAYS - 7) * DAY
DUE = START + DAYS * DAY


def made_at(moment: datetime, owner: Membership, **how: Any) -> Issued:
    with time_machine.travel(moment, tick=False):
        issued = make_token(owner, **{"name": "batch", "expires_in_days": None} | how)
    Notice.objects.all().delete()
    return issued


def housekeeping_at(now: datetime) -> list[tuple[str, str]]:
    """One round of housekeeping; returns the receivers and subjects of its emails."""
    before = len(mail.outbox)
    with time_machine.travel(now, tick=False):
        token_unused.find(now)
        revoke_unused(now)
        dispatch.enqueue(now)
        outbox.deliver(now=now)
    return told_since(before)


def used_at(moment: datetime, issued: Issued) -> None:
    """Store a call in SQL, as housekeeping does."""
    token = issued.token
    row = {"subject": token.pk, "day": moment.date(), "epoch": "", "bucket": token.organization_id}
    DailyUsage.objects.create(**row, calls=1, last_used_at=moment)
