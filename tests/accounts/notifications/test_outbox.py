"""Mails of requests: sent after the commit within a short time, or left to housekeeping, and said so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.members import invitations
from accounts.models import Invitation, Membership, OutboxMail
from accounts.notifications import outbox
from accounts.notifications.email import Email
from accounts.notifications.threads import MOST_THREADS, threads
from accounts.registration import password_reset
from tests.accounts.authentication.flows import make_person
from tests.accounts.notifications.broken_mail import SLOW, UNAVAILABLE, WORKING, released
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_token
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
GRACE = {"email": "grace@example.com", "role": "member"}
NOT_YET = "The invitation of grace@example.com is saved, but not sent yet."
EMAIL = Email("Subject", ("Text.",))


@pytest.fixture
def owner() -> Membership:
    return make_member()


@pytest.fixture
def slow(settings) -> Iterator[None]:
    settings.EMAIL_BACKEND, settings.MAIL_REQUEST_SECONDS = SLOW, 0.2
    released.clear()
    yield
    released.set()
    wait_until(lambda: not OutboxMail.objects.filter(claimed_until__gt=timezone.now()).exists())


def housekeeping() -> None:
    """At a moment at which everything is due."""
    OutboxMail.objects.update(next_try_at=timezone.now(), claimed_until=timezone.now())
    call_command("housekeeping", "--once")


def invite(owner: Membership) -> dict[str, object]:
    response = program(make_token(owner, permissions=["*:*:*"])).post("/api/v1/invitations", GRACE)
    assert response.status_code == 201
    return dict(response.json())


def test_an_invitation_is_sent_with_its_request(owner: Membership) -> None:
    assert invite(owner)["sentAt"] is not None
    assert [one.to for one in mail.outbox] == [["grace@example.com"]]
    assert not OutboxMail.objects.exists()


def test_the_page_says_that_it_was_sent(owner: Membership) -> None:
    page = browser_of(owner.user).post("/settings/members/invite/", GRACE, follow=True).content.decode()
    assert "We sent an invitation to grace@example.com." in page
    assert "Not sent yet" not in page


def test_while_the_mail_server_is_unavailable_it_is_accepted_and_not_sent(
    owner: Membership, settings
) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    assert invite(owner)["sentAt"] is None
    [row] = OutboxMail.objects.all()
    assert (row.to, row.tries) == ("grace@example.com", 1)
    assert row.last_error == "The mail server could not be reached (ConnectionRefusedError)."


def test_the_page_says_that_it_is_not_sent_yet(owner: Membership, settings) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    page = browser_of(owner.user).post("/settings/members/invite/", GRACE, follow=True).content.decode()
    assert NOT_YET in page
    assert '<span class="aside">Not sent yet</span>' in page


def test_housekeeping_sends_it_once_the_mail_server_is_back(owner: Membership, settings) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    invite(owner)
    settings.EMAIL_BACKEND = WORKING
    housekeeping()
    assert Invitation.objects.get().sent_at is not None
    secret = str(mail.outbox[0].body).split("/accounts/invitations/")[1].split("/")[0]
    assert invitations.find(secret) == Invitation.objects.get()
    housekeeping()
    assert len([one for one in mail.outbox if one.to == ["grace@example.com"]]) == 1


def test_resent_it_is_unsent_until_the_new_link_is_sent(owner: Membership, settings) -> None:
    invite(owner)
    settings.EMAIL_BACKEND = UNAVAILABLE
    resent = invitations.resend(actor=actor(owner), invitation=Invitation.objects.get())
    assert resent.invitation.sent_at is None


def test_a_slow_mail_server_holds_a_request_for_a_short_time(owner: Membership, slow: None) -> None:
    started = time.monotonic()
    assert invite(owner)["sentAt"] is None
    assert time.monotonic() - started < 5
    assert OutboxMail.objects.count() == 1


def test_a_mail_that_a_slow_server_takes_late_is_sent_once(owner: Membership, slow: None, settings) -> None:
    invite(owner)
    settings.EMAIL_BACKEND = WORKING
    call_command("housekeeping", "--once")
    released.set()
    wait_until(lambda: Invitation.objects.get().sent_at is not None)
    housekeeping()
    assert [one.to for one in mail.outbox if "invited" in one.subject] == [["grace@example.com"]]


def test_after_a_failure_requests_leave_their_mails_to_housekeeping(settings) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    outbox.enqueue(EMAIL, "one@example.com")
    settings.EMAIL_BACKEND = WORKING
    outbox.enqueue(EMAIL, "two@example.com")
    assert not mail.outbox
    assert [(row.to, row.tries) for row in OutboxMail.objects.order_by("to")] == [
        ("one@example.com", 1),
        ("two@example.com", 0),
    ]
    call_command("housekeeping", "--once")
    assert [one.to for one in mail.outbox] == [["two@example.com"]]


def test_no_more_threads_than_these_wait_for_a_slow_server(slow: None) -> None:
    begun = [threads.start(EMAIL, f"{number}@example.com") for number in range(MOST_THREADS + 1)]
    assert [future is None for future in begun] == [False] * MOST_THREADS + [True]
    released.set()
    assert [future.result(timeout=30) for future in begun if future] == [None] * MOST_THREADS


def test_of_several_recipients_of_one_mail_all_get_it() -> None:
    outbox.enqueue(EMAIL, "one@example.com", "two@example.com")
    assert [one.to[0] for one in mail.outbox] == ["one@example.com", "two@example.com"]


def test_a_transaction_that_is_rolled_back_sends_nothing() -> None:
    with transaction.atomic():
        outbox.enqueue(EMAIL, "one@example.com")
        transaction.set_rollback(True)
    assert not mail.outbox
    assert not OutboxMail.objects.exists()


def test_requests_about_unknown_and_known_addresses_are_answered_alike(settings) -> None:
    make_person()
    settings.EMAIL_BACKEND = UNAVAILABLE
    answers = [
        Client().post(
            "/v1/auth/password-reset", json.dumps({"email": email}), content_type="application/json"
        )
        for email in ("ann@example.com", "no@example.com")
    ]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert OutboxMail.objects.count() == 2


def test_a_changed_password_is_mailed_although_other_work_after_the_commit_fails() -> None:
    person = make_person()

    @transaction.atomic
    def change() -> None:
        transaction.on_commit(fail)
        password_reset.set_password(person, "another long password")

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    assert not mail.outbox
    housekeeping()
    assert [one.subject for one in mail.outbox] == ["Your password was changed"]
