"""Mails that nobody waits for: owed in the transaction of what they tell, sent by housekeeping.

A Notice row is the debt, and unique, so that two who find the same thing owe it once. Whoever sends claims
the rows for LEASE and stamps them once the mail has left. Where the mail server is away the claim is given
back, and the next round tries again; whoever is killed between the mail and the stamp leaves a claim that
runs out, and that one mail goes out twice. Of several receivers, one that the server took the mail for
settles the debt: a mail that it refused for the others is logged and lost, for a repetition would reach
those again who have it.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import mails
from accounts.mails import Letter
from accounts.models import Membership, Organization
from accounts.notice_models import Notice
from accounts.roles import Role

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
# What could not be told for so long is no news any more.
TOLD_WITHIN = timedelta(days=3)
# Longer than any threshold lies ahead of what it is about, so that nothing is found and told anew.
KEPT = timedelta(days=30)
MOST_RECEIVERS = 100
# The server's answers to one mail; whatever else a backend raises says that the server is away.
REFUSALS = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    ValueError,
)


class MailServerAway(Exception):
    """No mail leaves now; what is owed stays owed."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """A letter and the addresses that each get one of their own."""

    letter: Letter
    to: Sequence[str]


Compose = Callable[[Organization, Sequence[Notice], datetime], Iterable[Mailing]]


def owe(notices: Iterable[Notice]) -> None:
    """Keep them to be told; one that is owed, or was told, already changes nothing."""
    # Two who owe the same things insert them in one order, so that neither waits for the other in a circle.
    ordered = sorted(notices, key=lambda one: (one.kind, one.subject, one.mark))
    Notice.objects.bulk_create(ordered, ignore_conflicts=True)


def receivers(organization_id: UUID, *roles: Role, wanted: str = "") -> list[str]:
    """The addresses of active members who have one of the roles, any if none is named, and hold ``wanted``.

    Owners come first, then whoever has been there longest; MOST_RECEIVERS of them.
    """
    members = Membership.objects.active().filter(organization_id=organization_id).select_related("user")
    members = members.filter(role__in=roles) if roles else members
    holding = [one for one in members.order_by("joined_at", "pk") if not wanted or one.scopes.allows(wanted)]
    holding.sort(key=lambda one: one.role != Role.OWNER)
    return [one.user.email for one in holding[:MOST_RECEIVERS]]


def deliver(
    composers: Mapping[str, Compose], *, now: datetime | None = None, seconds: float | None = None
) -> int:
    """Send what is due, one mail for each organization and kind; returns how many were told.

    Stops after ``seconds``, and goes on at the next call. Raises MailServerAway.
    """
    started, told = time.monotonic(), 0
    owed = Notice.objects.due(now or timezone.now()).filter(kind__in=composers)
    groups = owed.order_by("organization_id", "kind").values_list("organization_id", "kind").distinct()
    for organization_id, kind in list(groups):
        if seconds is not None and time.monotonic() - started > seconds:
            break
        told += _tell(organization_id, kind, composers[kind], now or timezone.now())
    return told


def prune(now: datetime) -> int:
    """Delete those that are told, or too old to be; returns how many."""
    return Notice.objects.filter(created_at__lt=now - KEPT).delete()[0]


def _tell(organization_id: UUID, kind: str, compose: Compose, now: datetime) -> int:
    claimed = _claim(organization_id, kind, now)
    if not claimed:
        return 0
    chosen = Notice.objects.filter(pk__in=[one.pk for one in claimed])
    organization = claimed[0].organization
    fresh = [one for one in claimed if one.created_at > now - TOLD_WITHIN]
    mailings = compose(organization, fresh, now) if fresh and organization.deleted_at is None else ()
    sent = refused = 0
    try:
        for letter, to in [(one.letter, to) for one in mailings for to in one.to]:
            if _post(letter, to):
                sent += 1
            else:
                refused += 1
    except MailServerAway:
        if not sent:
            chosen.update(claimed_until=now)
            raise
        logger.error("The mail server went away before everybody was told (%s)", kind)
    if sent or not refused:
        chosen.update(sent_at=now)
    # Where every receiver was refused, the claim stays as it is: the next try waits until it runs out.
    return len(claimed) if sent else 0


def _post(letter: Letter, to: str) -> bool:
    """Whether the server took it; raises MailServerAway."""
    try:
        mails.message(letter, to).send()
    except REFUSALS as problem:
        # The answer may hold the address, so it is not logged.
        logger.error("A notice was refused (%s): %s", letter.subject, type(problem).__name__)
        return False
    except Exception as problem:
        # Backends raise what their libraries do.
        raise MailServerAway(type(problem).__name__) from problem
    return True


@transaction.atomic
def _claim(organization_id: UUID, kind: str, now: datetime) -> list[Notice]:
    """The due notices of one mail, which nobody else sends from now on."""
    due = Notice.objects.due(now).filter(organization_id=organization_id, kind=kind)
    # Whoever waits for these rows finds them claimed afterwards, and takes none of them.
    pks = list(due.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    Notice.objects.filter(pk__in=pks).update(claimed_until=now + LEASE)
    return list(Notice.objects.filter(pk__in=pks).select_related("organization__plan").order_by("pk"))
