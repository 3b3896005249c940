"""Owed notices leave once: through failures of the mail server, kills and refusals."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends import locmem
from django.core.management import call_command
from django.utils import timezone

from accounts import notices
from accounts.models import Membership, Notice
from accounts.notices import KEPT, LEASE, MailServerAway
from accounts.roles import Role
from tests.people import make_member, make_token, make_user
from tokens.notices import prune, send

pytestmark = pytest.mark.django_db
BROKEN = "tests.accounts.broken_mail.Backend"
HERE = "tests.accounts.test_notices_delivery"


class Killed(BaseException):
    """Whoever is killed handles nothing."""


class KillingBackend(locmem.EmailBackend):
    """Takes the mail, and then the process is gone."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        super().send_messages(email_messages)
        raise Killed


class RefusingBackend(locmem.EmailBackend):
    """Takes no mail for whoever is called "refused"."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for one in email_messages:
            if one.to[0].startswith("refused"):
                raise smtplib.SMTPRecipientsRefused({one.to[0]: (550, b"No such user here")})
        return super().send_messages(email_messages)


@pytest.fixture
def now(owner: Membership) -> datetime:
    """The moment after a token was made, which its organization is to be told of."""
    make_token(owner)
    return timezone.now()


def test_where_the_mail_server_is_away_the_next_round_tells(now: datetime, settings) -> None:
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BROKEN
    with pytest.raises(MailServerAway):
        send(now)
    assert not Notice.objects.exclude(sent_at=None).exists()
    settings.EMAIL_BACKEND = working
    assert send(now) == 1
    assert send(now) == 0
    assert len(mail.outbox) == 1


def test_housekeeping_itself_outlives_a_mail_server_that_is_away(now: datetime, settings, caplog) -> None:
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BROKEN
    call_command("housekeeping", "--once")
    assert "Notices wait for the mail server: ConnectionRefusedError" in caplog.text
    settings.EMAIL_BACKEND = working
    call_command("housekeeping", "--once")
    call_command("housekeeping", "--once")
    assert len(mail.outbox) == 1


def test_killed_after_the_mail_and_before_the_stamp_it_is_told_once_more(now: datetime, settings) -> None:
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{HERE}.KillingBackend"
    with pytest.raises(Killed):
        send(now)
    settings.EMAIL_BACKEND = working
    assert send(now + LEASE - timedelta(seconds=1)) == 0
    assert send(now + LEASE) == 1
    assert send(now + 2 * LEASE) == 0
    assert len(mail.outbox) == 2


def test_one_refused_receiver_keeps_no_other_from_being_told(
    owner: Membership, now: datetime, settings
) -> None:
    Membership.objects.filter(pk=owner.pk).update(joined_at=now - timedelta(days=1))
    make_member(owner.organization, Role.ADMIN, user=make_user("refused@example.com"))
    admin = make_member(owner.organization, Role.ADMIN)
    settings.EMAIL_BACKEND = f"{HERE}.RefusingBackend"
    assert send(now) == 1
    assert send(now + 2 * LEASE) == 0
    assert [one.to[0] for one in mail.outbox] == [owner.user.email, admin.user.email]


def test_where_all_are_refused_it_is_tried_again_when_the_claim_runs_out(settings) -> None:
    settings.EMAIL_BACKEND = f"{HERE}.RefusingBackend"
    make_token(make_member(user=make_user("refused@example.com")))
    now = timezone.now()
    for wait, taken in ((timedelta(0), 0), (LEASE / 2, 0), (LEASE, 1)):
        if taken:
            settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert send(now + wait) == taken


def test_a_refusal_names_no_address_in_the_log(settings, caplog) -> None:
    settings.EMAIL_BACKEND = f"{HERE}.RefusingBackend"
    make_token(make_member(user=make_user("refused@example.com")))
    send()
    assert "SMTPRecipientsRefused" in caplog.text
    assert "refused@" not in caplog.text


def test_what_could_not_be_told_for_days_is_no_news(now: datetime) -> None:
    assert send(now + timedelta(days=4)) == 0
    assert send(now) == 0
    assert not mail.outbox


def test_nobody_of_a_deleted_organization_is_told(owner: Membership, now: datetime) -> None:
    type(owner.organization).objects.update(deleted_at=now)
    assert send(now) == 0
    assert not mail.outbox


def test_time_that_is_up_leaves_the_rest_for_the_next_call(now: datetime) -> None:
    make_token(make_member())
    assert send(seconds=-1) == 0
    assert send(seconds=60) == 2


def test_no_more_than_a_hundred_are_told_and_owners_first(owner: Membership, monkeypatch) -> None:
    monkeypatch.setattr(notices, "MOST_RECEIVERS", 2)
    Membership.objects.filter(pk=owner.pk).update(role=Role.ADMIN)
    second = make_member(owner.organization, Role.ADMIN)
    late_owner = make_member(owner.organization)
    found = notices.receivers(owner.organization_id)
    assert found == [late_owner.user.email, owner.user.email]
    assert second.user.email not in found


def test_what_was_told_long_ago_is_forgotten(now: datetime) -> None:
    send(now)
    prune(now + KEPT - timedelta(minutes=1))
    assert Notice.objects.exists()
    prune(now + KEPT)
    assert not Notice.objects.exists()
