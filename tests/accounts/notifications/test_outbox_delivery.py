"""Housekeeping and the outbox: back-off, giving up, one sender at a time, and links that no longer work."""

from __future__ import annotations

import smtplib
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends import locmem
from django.db import connection
from django.utils import timezone

from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import Claim
from accounts.members import invitations
from accounts.models import Invitation, MailedClaim, Membership, OutboxMail
from accounts.models.mailed_claim import LinkKind
from accounts.notifications import outbox
from accounts.notifications.email import Email
from accounts.notifications.threads import threads
from accounts.notifications.transport import MailServerUnavailable
from tests.accounts.notifications.broken_mail import KILLING, REFUSING, UNAVAILABLE, WORKING, Killed
from tests.support.people import actor
from tests.support.team import make_invited
from tests.support.threads import at_once
from tokens.lifecycle.revoke_since import Affected, Selection

pytestmark = pytest.mark.django_db
NOW = datetime.fromisoformat("2030-01-01T12:00:00+00:00")
MINUTE = timedelta(minutes=1)
EMAIL = Email("Subject", ("Text.",), "https://example.com/", "Open", (), (("Name", "value"),))
ROUNDS = 10


def enqueue(*to: str, now: datetime = NOW) -> None:
    outbox.enqueue_for_housekeeping(EMAIL, to or ("one@example.com",), now=now)


def refused_at(now: datetime) -> OutboxMail:
    """A round while the mail server is unavailable."""
    with pytest.raises(MailServerUnavailable):
        outbox.deliver(now=now)
    return OutboxMail.objects.order_by("to").first() or pytest.fail("The mail is gone.")


def test_a_sent_mail_leaves_no_row() -> None:
    enqueue()
    assert outbox.deliver(now=NOW) == 1
    assert "https://example.com/" in str(mail.outbox[0].body)
    assert not OutboxMail.objects.exists()


def test_it_is_tried_again_with_growing_intervals(settings) -> None:
    enqueue()
    settings.EMAIL_BACKEND = UNAVAILABLE
    now = NOW
    for tries, minutes in enumerate((1, 5, 15, 60, 60), start=1):
        row = refused_at(now)
        assert (row.tries, row.next_try_at - now) == (tries, minutes * MINUTE)
        assert outbox.deliver(now=row.next_try_at - timedelta(microseconds=1)) == 0
        now = row.next_try_at
    settings.EMAIL_BACKEND = WORKING
    assert outbox.deliver(now=now) == 1


def test_after_a_day_it_is_given_up_and_kept_for_a_week(settings) -> None:
    enqueue()
    settings.EMAIL_BACKEND = UNAVAILABLE
    row = refused_at(NOW + timedelta(hours=24) - timedelta(microseconds=1))
    assert row.given_up_at is None
    row = refused_at(row.next_try_at)
    assert row.given_up_at is not None
    settings.EMAIL_BACKEND = WORKING
    assert outbox.deliver(now=NOW + timedelta(days=2)) == 0
    assert outbox.prune(row.given_up_at + outbox.KEPT) == 0
    assert outbox.prune(row.given_up_at + outbox.KEPT + timedelta(microseconds=1)) == 1


def test_an_unavailable_server_is_asked_once_and_every_due_mail_waits(settings) -> None:
    enqueue("one@example.com", "two@example.com")
    settings.EMAIL_BACKEND = UNAVAILABLE
    refused_at(NOW)
    assert set(OutboxMail.objects.values_list("tries", "next_try_at")) == {(1, NOW + MINUTE)}


def test_a_refused_recipient_keeps_no_other_mail_from_being_sent(settings, caplog) -> None:
    enqueue("refused@example.com", "two@example.com")
    settings.EMAIL_BACKEND = REFUSING
    assert outbox.deliver(now=NOW) == 1
    [row] = OutboxMail.objects.all()
    assert (row.to, row.last_error) == ("refused@example.com", "The mail server refused the recipient (550).")
    assert "SMTPRecipientsRefused" in caplog.text
    assert "refused@" not in caplog.text


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (smtplib.SMTPServerDisconnected("ann@x"), "did not answer in time, or closed the connection."),
        (TimeoutError(), "did not answer in time."),
        (
            smtplib.SMTPAuthenticationError(535, b"ann@x"),
            "refused our user name or password: check",
        ),
        (smtplib.SMTPSenderRefused(550, b"no", "ann@x"), "refused our own address (550): check"),
        (smtplib.SMTPDataError(554, b"ann@x"), "refused the mail (554)."),
        (OSError("ann@x"), "could not be reached (OSError)."),
        (RuntimeError("ann@x"), "failed (RuntimeError)."),
    ],
)
def test_an_error_is_a_sentence_without_the_servers_words(
    problem: Exception, sentence: str, monkeypatch
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", fail)
    enqueue()
    with suppress(MailServerUnavailable):
        outbox.deliver(now=NOW)
    error = OutboxMail.objects.get().last_error
    assert error.startswith(f"The mail server {sentence}")
    assert "ann@x" not in error


def test_killed_between_the_mail_and_its_deletion_it_is_sent_once_more(settings) -> None:
    enqueue()
    settings.EMAIL_BACKEND = KILLING
    with pytest.raises(Killed):
        outbox.deliver(now=NOW)
    settings.EMAIL_BACKEND = WORKING
    assert outbox.deliver(now=NOW + outbox.LEASE - timedelta(microseconds=1)) == 0
    assert outbox.deliver(now=NOW + outbox.LEASE) == 1
    assert outbox.deliver(now=NOW + 2 * outbox.LEASE) == 0
    assert len(mail.outbox) == 2


def test_time_that_is_up_leaves_the_rest_for_the_next_round() -> None:
    enqueue()
    assert outbox.deliver(now=NOW, seconds=-1) == 0
    assert outbox.deliver(now=NOW, seconds=60) == 1


def test_more_than_a_batch_is_sent_in_one_round(monkeypatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    enqueue(*(f"{number}@example.com" for number in range(5)))
    assert outbox.deliver(now=NOW) == 5


@pytest.mark.django_db(transaction=True)
def test_of_four_housekeepings_at_once_one_sends_each_mail() -> None:
    for _ in range(ROUNDS):
        mail.outbox.clear()
        enqueue("one@example.com", "two@example.com", "three@example.com")
        sent = at_once([lambda: outbox.deliver(now=NOW)] * 4)
        assert not [one for one in sent if isinstance(one, Exception)], sent
        assert sum(one for one in sent if isinstance(one, int)) == 3
        assert sorted(one.to[0] for one in mail.outbox) == [
            "one@example.com",
            "three@example.com",
            "two@example.com",
        ]


def test_a_claimed_mail_is_tried_again_by_nobody_else() -> None:
    enqueue(now=timezone.now())
    OutboxMail.objects.update(claimed_until=timezone.now() + outbox.LEASE)
    assert outbox.retry(OutboxMail.objects.all()) == 0
    assert not mail.outbox


@pytest.fixture
def unsent(owner: Membership, django_capture_on_commit_callbacks) -> Invitation:
    """An invitation whose request left its mail to housekeeping."""
    threads.pause()
    with django_capture_on_commit_callbacks(execute=True):
        return make_invited(owner).invitation


def test_an_expired_link_is_not_sent(unsent: Invitation) -> None:
    assert outbox.deliver(now=unsent.expires_at) == 0
    [row] = OutboxMail.objects.all()
    assert (row.last_error, row.content) == ("The link expired before the mail could be sent.", "")
    assert row.given_up_at is not None
    assert not mail.outbox


def test_a_link_is_sent_until_it_expires(unsent: Invitation) -> None:
    assert outbox.deliver(now=unsent.expires_at - timedelta(microseconds=1)) == 1
    unsent.refresh_from_db()
    assert unsent.sent_at == unsent.expires_at - timedelta(microseconds=1)


def test_a_link_that_was_taken_back_is_not_sent(unsent: Invitation, owner: Membership) -> None:
    invitations.revoke(actor=actor(owner), invitation=unsent)
    assert outbox.deliver() == 0
    assert not OutboxMail.objects.exists()


def test_of_a_link_and_its_successor_the_newer_is_sent(unsent: Invitation, owner: Membership) -> None:
    resent = invitations.resend(actor=actor(owner), invitation=unsent)
    OutboxMail.objects.update(claimed_until=timezone.now())
    assert outbox.deliver() == 1
    assert resent.secret in str(mail.outbox[0].body)


def test_an_unsent_invitation_that_was_resent_since_ends_with_revoke_since(
    unsent: Invitation, owner: Membership
) -> None:
    since = timezone.now() + timedelta(hours=1)
    assert not Selection(since, Affected()).invitations().exists()
    with time_machine.travel(since + timedelta(minutes=1), tick=False):
        invitations.resend(actor=actor(owner), invitation=unsent)
    assert Selection(since, Affected()).invitations().exists()


def test_a_used_claim_is_not_sent(django_capture_on_commit_callbacks) -> None:
    threads.pause()
    with django_capture_on_commit_callbacks(execute=True):
        claim = Claim(LinkKind.RESET, "no@example.com")
        mailed_links.mail(claim, lambda link: Email("Subject", (), link), admitted=True)
    MailedClaim.objects.update(used_at=timezone.now())
    assert outbox.deliver() == 0
    assert not OutboxMail.objects.exists()


def test_a_mail_of_another_secret_key_is_given_up_and_says_so(settings) -> None:
    enqueue()
    settings.SECRET_KEY = "another key" * 5
    assert outbox.deliver(now=NOW) == 0
    assert OutboxMail.objects.get().last_error == "The mail was encrypted under another SECRET_KEY."


def test_a_mail_of_a_fallback_key_is_sent(settings) -> None:
    enqueue()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key" * 5
    assert outbox.deliver(now=NOW) == 1


def test_no_secret_of_a_link_is_readable_in_the_table(owner: Membership) -> None:
    secret = make_invited(owner).secret
    link: list[str] = []

    def compose(address: str) -> Email:
        link.append(address)
        return Email("Reset", (address,), address)

    mailed_links.mail(Claim(LinkKind.RESET, "ann@example.com"), compose, admitted=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_outboxmail")
        values = [value for row in cursor.fetchall() for value in row]
    stored = repr([bytes(value) if isinstance(value, memoryview) else value for value in values])
    assert stored.count("example.com") == 2
    for one in (secret, link[0].rsplit("/", 1)[1]):
        assert one not in stored
        assert one.encode().hex() not in stored


def test_the_backlog_is_counted_with_its_age(settings) -> None:
    assert outbox.backlog(NOW) == outbox.Backlog(0, 0, 0.0)
    enqueue()
    enqueue("two@example.com", now=NOW + MINUTE)
    assert outbox.backlog(NOW + 2 * MINUTE) == outbox.Backlog(2, 0, 120.0)
    OutboxMail.objects.filter(to="one@example.com").update(given_up_at=NOW)
    assert outbox.backlog(NOW + 2 * MINUTE) == outbox.Backlog(1, 1, 60.0)
