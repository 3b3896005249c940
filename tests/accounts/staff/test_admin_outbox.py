"""Unsent mails in the admin: what waits and why, without its link, and trying again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, OutboxMail
from accounts.notifications import outbox
from accounts.notifications.email import Email
from tests.accounts.notifications.broken_mail import REFUSING, UNAVAILABLE
from tests.support.people import make_staff
from tests.support.team import make_invited

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/outboxmail/"
EMAIL = Email("Reset your password", ("Text.",), "https://example.com/secret-path", "Open")


def enqueue(*to: str) -> None:
    outbox.enqueue_for_housekeeping(EMAIL, to, now=timezone.now())


def try_again(browser: Client) -> str:
    rows = OutboxMail.objects.values_list("pk", flat=True)
    form = {"action": "try_again", "_selected_action": list(rows)}
    return browser.post(LIST, form, follow=True).content.decode()


def test_an_unsent_mail_is_listed_with_its_last_error(staff: Client, settings) -> None:
    settings.EMAIL_BACKEND = UNAVAILABLE
    enqueue("ann@example.com")
    with pytest.raises(outbox.MailServerUnavailable):
        outbox.deliver()
    page = staff.get(LIST).content.decode()
    for text in ("ann@example.com", "Reset your password", "could not be reached"):
        assert text in page


def test_no_link_or_secret_is_on_any_page(staff: Client, owner: Membership) -> None:
    secret = make_invited(owner).secret
    enqueue("ann@example.com")
    rows = OutboxMail.objects.all()
    for path in (LIST, f"{LIST}?q=ann", *(f"{LIST}{row.pk}/change/" for row in rows)):
        page = staff.get(path).content.decode()
        assert secret not in page
        assert "secret-path" not in page
        assert not any(row.content in page for row in rows)


def test_a_filter_in_the_address_answers_nothing_about_a_digest(staff: Client) -> None:
    assert staff.get(f"{LIST}?digest__startswith=a").status_code == 400
    assert staff.get(f"{LIST}?content__startswith=a").status_code == 400


def test_trying_again_sends_what_waits_and_what_was_given_up(staff: Client) -> None:
    enqueue("ann@example.com", "bob@example.com")
    later = timezone.now() + timedelta(hours=1)
    OutboxMail.objects.update(next_try_at=later)
    OutboxMail.objects.filter(to="bob@example.com").update(given_up_at=timezone.now())
    assert "Sent: 2." in try_again(staff)
    assert len(mail.outbox) == 2
    assert not OutboxMail.objects.exists()


def test_what_is_refused_again_says_so(staff: Client, settings) -> None:
    settings.EMAIL_BACKEND = REFUSING
    enqueue("refused@example.com", "bob@example.com")
    page = try_again(staff)
    assert "Sent: 1." in page
    assert "Not sent: 1." in page
    assert "The mail server refused the recipient (550)." in page


def test_an_expired_link_is_not_sent_again(staff: Client) -> None:
    enqueue("ann@example.com")
    OutboxMail.objects.update(expires_at=timezone.now())
    assert "Not sent: 1." in try_again(staff)
    assert OutboxMail.objects.get().last_error == outbox.EXPIRED
    assert not mail.outbox


def test_who_may_only_look_cannot_try_again() -> None:
    enqueue("ann@example.com")
    assert "Try again now" not in make_staff("accounts.view_outboxmail").get(LIST).content.decode()
    try_again(make_staff("accounts.view_outboxmail"))
    assert OutboxMail.objects.exists()
    assert "Sent: 1." in try_again(make_staff("accounts.view_outboxmail", "accounts.change_outboxmail"))
