"""The mail of an invitation: sent, still tried, or given up, on the page and in the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.members.invitation_delivery import Delivery, delivery, undelivered
from accounts.models import Invitation, Membership
from accounts.notifications import outbox
from accounts.notifications.threads import threads
from accounts.notifications.transport import MailServerUnavailable
from tests.accounts.notifications.broken_mail import UNAVAILABLE, WORKING
from tests.support.people import fresh_browser_of
from tests.support.sessions import session_of
from tests.support.team import make_invited

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def unsent(owner: Membership, settings, time_machine: TimeMachineFixture) -> Invitation:
    """Made at NOON, while no mail server answers."""
    time_machine.move_to(NOON, tick=False)
    settings.EMAIL_BACKEND = UNAVAILABLE
    return make_invited(owner).invitation


@pytest.mark.parametrize(
    ("after", "expected", "counted"),
    [
        (timedelta(0), Delivery.WAITING, False),
        (outbox.LEASE, Delivery.WAITING, True),
        (outbox.GIVEN_UP_AFTER - timedelta(seconds=1), Delivery.WAITING, True),
        (outbox.GIVEN_UP_AFTER, Delivery.FAILED, True),
        (timedelta(days=7), Delivery.FAILED, False),
    ],
)
def test_it_waits_for_a_day_and_is_undelivered_after_its_first_try_until_the_link_expires(
    unsent, after, expected, counted
):
    assert delivery(unsent, NOON + after) is expected
    assert undelivered(NOON + after).exists() is counted


@pytest.mark.parametrize("end", [{"sent_at": NOON}, {"accepted_at": NOON}, {"revoked_at": NOON}])
def test_a_mail_that_was_sent_or_has_no_purpose_any_more_is_not_undelivered(unsent, end):
    Invitation.objects.update(**end)
    assert not undelivered(NOON + timedelta(days=2)).exists()


def test_the_outbox_gives_it_up_when_it_is_told_as_failed(unsent, time_machine):
    time_machine.move_to(NOON + outbox.GIVEN_UP_AFTER, tick=False)
    with pytest.raises(MailServerUnavailable):
        outbox.deliver()
    assert outbox.backlog(timezone.now()).given_up == 1
    assert delivery(unsent, timezone.now()) is Delivery.FAILED


def test_the_page_and_the_api_say_so_and_sending_it_again_works(owner, unsent, settings, time_machine):
    time_machine.move_to(NOON + timedelta(days=1), tick=False)
    browser = fresh_browser_of(owner.user)
    page = browser.get("/settings/members/").content.decode()
    assert "Could not be delivered" in page
    assert "Not sent yet" not in page
    assert 'aria-label="Send again the invitation of grace@example.com"' in page
    assert session_of(owner).get("/api/v1/invitations").json()["results"][0]["delivery"] == "failed"
    settings.EMAIL_BACKEND = WORKING
    threads.resume()
    browser.post(f"/settings/members/invitations/{unsent.public_id}/resend/")
    assert "Could not be delivered" not in browser.get("/settings/members/").content.decode()
    assert session_of(owner).get("/api/v1/invitations").json()["results"][0]["delivery"] == "sent"
