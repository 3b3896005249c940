"""Transactional outbox: each mail is a row until it is sent, written in the transaction of what it is about.

The request sends its mails right after the commit and waits for at most MAIL_REQUEST_SECONDS. Housekeeping
sends the rest, with growing intervals, and gives a mail up after a day. A process claims a row for LEASE with
a compare-and-set; one that is killed between a mail and the deletion of its row leaves a claim that runs out,
and only that mail is sent twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from accounts.models.invitation import Invitation
from accounts.models.mailed_claim import MailedClaim
from accounts.models.outbox import OutboxMail
from accounts.notifications import content as outbox_content
from accounts.notifications.email import Email, Link
from accounts.notifications.threads import threads
from accounts.notifications.transport import MailRefused, MailServerUnavailable, send

logger = logging.getLogger(__name__)

# Longer than a mail server that answers at its slowest can hold one mail up.
LEASE = timedelta(minutes=5)
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
GIVEN_UP_AFTER = timedelta(hours=24)
KEPT = timedelta(days=7)
BATCH = 100
LONGEST_SUBJECT = 300
EXPIRED = "The link expired before the mail could be sent."
UNREADABLE = "The mail was encrypted under another SECRET_KEY."
UNKNOWN = "The mail could not be sent, for an unexpected reason: see the log."


@dataclass(frozen=True, slots=True)
class Backlog:
    unsent: int
    given_up: int
    oldest_seconds: float


def enqueue(email: Email, *to: str, link: Link | None = None) -> None:
    """Send the email to each address once the transaction has committed."""
    rows = _insert(email, to, link, claimed_for=LEASE)
    # A failure is logged: what has committed stays, and housekeeping sends the mail.
    transaction.on_commit(partial(_send_at_once, rows), robust=True)


def enqueue_for_housekeeping(email: Email, to: Iterable[str], *, now: datetime) -> None:
    _insert(email, to, None, now=now)


def deliver(*, now: datetime | None = None, seconds: float | None = None) -> int:
    """Send what is due for about so many seconds; return how many were sent.

    Raises MailServerUnavailable, after which every mail that was due waits for its next try.
    """
    started, sent = time.monotonic(), 0
    while batch := list(_due(now or timezone.now())[:BATCH]):
        for row in batch:
            if seconds is not None and time.monotonic() - started > seconds:
                return sent
            moment = now or timezone.now()
            try:
                sent += _claim(row, moment) and _try(row, moment)
            except MailServerUnavailable as problem:
                _postpone(problem, moment)
                raise
    return sent


def retry(rows: Iterable[OutboxMail]) -> int:
    """Send these now, given up or not, as far as the mail server answers in time; return how many were."""
    threads.resume()
    now = timezone.now()
    claimed = [row for row in rows if _claim(row, now)]
    OutboxMail.objects.filter(pk__in=[row.pk for row in claimed]).update(given_up_at=None)
    sending = [row for row in claimed if _is_worth_sending(row, now)]
    _send_at_once(sending)
    return len(sending) - OutboxMail.objects.filter(pk__in=[row.pk for row in sending]).count()


def backlog(now: datetime) -> Backlog:
    found = OutboxMail.objects.aggregate(
        unsent=Count("pk", filter=Q(given_up_at=None)),
        given_up=Count("pk", filter=Q(given_up_at__isnull=False)),
        oldest=Min("created_at", filter=Q(given_up_at=None)),
    )
    age = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return Backlog(found["unsent"], found["given_up"], max(0.0, age))


def prune(now: datetime) -> int:
    """Delete mails that were given up long ago; return how many."""
    return OutboxMail.objects.filter(given_up_at__lt=now - KEPT).delete()[0]


def _due(now: datetime) -> QuerySet[OutboxMail]:
    return OutboxMail.objects.due(now).order_by("created_at", "pk")


def _insert(
    email: Email,
    to: Iterable[str],
    link: Link | None,
    *,
    now: datetime | None = None,
    claimed_for: timedelta = timedelta(0),
) -> list[OutboxMail]:
    now = now or timezone.now()
    content = outbox_content.seal(email)
    rows = [
        OutboxMail(
            to=address,
            subject=email.subject[:LONGEST_SUBJECT],
            content=content,
            digest=link.digest if link else None,
            expires_at=link.expires_at if link else None,
            created_at=now,
            next_try_at=now,
            claimed_until=now + claimed_for,
        )
        for address in to
    ]
    return OutboxMail.objects.bulk_create(rows)


def _send_at_once(rows: Sequence[OutboxMail]) -> None:
    """Send claimed mails, and wait until all are sent or the time is up; the rest is housekeeping's."""
    until = time.monotonic() + settings.MAIL_REQUEST_SECONDS
    for row in rows:
        future = threads.start(outbox_content.unseal(row.content), row.to)
        if future is None:
            _held(row).update(claimed_until=timezone.now())
            continue
        try:
            future.exception(timeout=max(0.0, until - time.monotonic()))
        except TimeoutError:
            threads.pause()
        # Called at once if it is done, and by the thread otherwise.
        future.add_done_callback(partial(_settle, row))


def _settle(row: OutboxMail, future: Future[None]) -> None:
    problem = future.exception()
    if problem is None:
        _sent(row, timezone.now())
        return
    if not isinstance(problem, MailRefused):
        threads.pause()
    _failed(row, problem, timezone.now())


def _claim(row: OutboxMail, now: datetime) -> bool:
    """Whether this process sends the mail from now on, and no other one does."""
    if row.claimed_until > now or not _held(row).update(claimed_until=now + LEASE):
        return False
    row.claimed_until = now + LEASE
    return True


def _held(row: OutboxMail) -> QuerySet[OutboxMail]:
    """The row, if no other process has claimed it since it was read."""
    return OutboxMail.objects.filter(pk=row.pk, claimed_until=row.claimed_until)


def _try(row: OutboxMail, now: datetime) -> bool:
    """Send a claimed mail; raises MailServerUnavailable."""
    if not _is_worth_sending(row, now):
        return False
    try:
        send(outbox_content.unseal(row.content), row.to)
    except MailRefused as problem:
        _failed(row, problem, now)
        return False
    except MailServerUnavailable as problem:
        _failed(row, problem, now)
        raise
    _sent(row, now)
    return True


def _is_worth_sending(row: OutboxMail, now: datetime) -> bool:
    """Whether the mail can be read, and its link still works; otherwise it is not tried again."""
    if not outbox_content.is_readable(row.content):
        _give_up(row, UNREADABLE, now)
        return False
    if row.expires_at is not None and row.expires_at <= now:
        _give_up(row, EXPIRED, now)
        return False
    if row.digest is not None and not _is_valid(bytes(row.digest)):
        # Used, taken back, or replaced by a link in a mail of its own.
        row.delete()
        return False
    return True


def _is_valid(digest: bytes) -> bool:
    return MailedClaim.objects.filter(digest=digest, used_at=None, invitation__revoked_at=None).exists()


@transaction.atomic
def _sent(row: OutboxMail, now: datetime) -> None:
    OutboxMail.objects.filter(pk=row.pk).delete()
    if row.digest is not None:
        Invitation.objects.filter(mailed_claim__digest=row.digest).update(sent_at=now)


def _failed(row: OutboxMail, problem: BaseException, now: datetime) -> None:
    sentence = str(problem) if isinstance(problem, MailRefused | MailServerUnavailable) else UNKNOWN
    cause = type(problem.__cause__ or problem).__name__
    logger.error("A mail could not be sent (%s): %s", row.subject, cause)
    wait = BACKOFF[min(row.tries, len(BACKOFF) - 1)]
    given_up_at = now if now >= row.created_at + GIVEN_UP_AFTER else None
    _held(row).update(
        tries=row.tries + 1,
        last_error=sentence,
        next_try_at=now + wait,
        claimed_until=now,
        given_up_at=given_up_at,
    )


def _give_up(row: OutboxMail, sentence: str, now: datetime) -> None:
    """Stop retrying: the content is deleted, so the mail cannot be sent any more."""
    _held(row).update(content="", last_error=sentence, claimed_until=now, given_up_at=now)


def _postpone(problem: MailServerUnavailable, now: datetime) -> None:
    """The mail server failed for one; count a try for each other mail that was due."""
    while batch := list(_due(now)[:BATCH]):
        for row in batch:
            if _claim(row, now):
                _failed(row, problem, now)
