"""Due notices become mails in the outbox, once, for each receiver of their organization."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Membership, Notice, OutboxMail
from accounts.notifications import notices, outbox
from accounts.notifications.notices import KEPT
from accounts.permissions.roles import Role
from tests.accounts.notifications.broken_mail import REFUSING, UNAVAILABLE, WORKING
from tests.support.people import make_member, make_token, make_user
from tokens.notifications.dispatch import enqueue, prune

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(owner: Membership) -> datetime:
    """The moment after a token was created, about which its organization gets a mail."""
    make_token(owner)
    return timezone.now()


def send(now: datetime) -> int:
    enqueue(now)
    return outbox.deliver(now=now)


def test_one_is_sent_once(now: datetime) -> None:
    assert [send(now), send(now)] == [1, 0]
    assert len(mail.outbox) == 1


def test_while_the_mail_server_is_unavailable_its_mail_stays_in_the_outbox(now: datetime, settings) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    with pytest.raises(outbox.MailServerUnavailable):
        send(now)
    settings.EMAIL_BACKEND = WORKING
    assert send(now + timedelta(minutes=1)) == 1
    assert len(mail.outbox) == 1


def test_housekeeping_itself_outlives_an_unavailable_mail_server(now: datetime, settings, caplog) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    call_command("housekeeping", "--once")
    assert "Mails wait for the mail server: The mail server could not be reached" in caplog.text
    settings.EMAIL_BACKEND = WORKING
    OutboxMail.objects.update(next_try_at=timezone.now())
    call_command("housekeeping", "--once")
    call_command("housekeeping", "--once")
    assert len(mail.outbox) == 1


def test_one_refused_receiver_keeps_no_other_from_being_told(
    owner: Membership, now: datetime, settings
) -> None:
    Membership.objects.filter(pk=owner.pk).update(joined_at=now - timedelta(days=1))
    make_member(owner.organization, Role.ADMIN, user=make_user("refused@example.com"))
    admin = make_member(owner.organization, Role.ADMIN)
    settings.EMAIL_BACKEND = REFUSING
    assert [send(now), send(now + timedelta(hours=1))] == [2, 0]
    assert [one.to[0] for one in mail.outbox] == [owner.user.email, admin.user.email]
    assert [one.to for one in OutboxMail.objects.all()] == ["refused@example.com"]


def test_what_was_not_told_for_days_is_no_news(now: datetime) -> None:
    assert send(now + timedelta(days=4)) == 0
    assert send(now) == 0
    assert not mail.outbox


def test_nobody_of_a_deleted_organization_is_told(owner: Membership, now: datetime) -> None:
    type(owner.organization).objects.update(deleted_at=now)
    assert send(now) == 0
    assert not OutboxMail.objects.exists()


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
