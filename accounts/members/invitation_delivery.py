"""Whether the mail of an invitation's present link was sent, is still tried, or could not be delivered.

It is read off the invitation alone: its link was made, and its mail written into the outbox, DAYS before the
link expires.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

from accounts.members.invitations import DAYS
from accounts.models import Invitation
from accounts.models.invitation import InvitationQuerySet
from accounts.notifications import outbox


class Delivery(models.TextChoices):
    SENT = "sent", "Sent"
    WAITING = "waiting", "Not sent yet"
    FAILED = "failed", "Could not be delivered"


def delivery(invitation: Invitation, now: datetime) -> Delivery:
    if invitation.sent_at is not None:
        return Delivery.SENT
    enqueued_at = invitation.expires_at - timedelta(days=DAYS)
    return Delivery.FAILED if enqueued_at + outbox.GIVEN_UP_AFTER <= now else Delivery.WAITING


def undelivered(now: datetime) -> InvitationQuerySet:
    """Those of any organization whose link works and whose mail is still unsent after its first try.

    The first try is over once its claim in the outbox has run out.
    """
    tried_since = now + timedelta(days=DAYS) - outbox.LEASE
    return Invitation.objects.open().filter(sent_at=None, expires_at__gt=now, expires_at__lte=tried_since)
