"""Moving an account to another e-mail address."""

from __future__ import annotations

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import InvalidLink
from accounts.models import User
from accounts.models.mailed_claim import LinkKind
from accounts.registration import email_change
from tests.accounts.authentication.flows import (
    PASSWORD,
    is_signed_in,
    login_json,
    make_person,
    sign_in,
    sign_up_on_page,
)
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import make_plan

pytestmark = pytest.mark.django_db
PAGE = "/accounts/email/"


@pytest.fixture
def person(db: None) -> User:
    make_plan()
    return make_person()


@pytest.fixture
def browser(person: User) -> MailingClient:
    browser = MailingClient()
    sign_in(browser)
    return browser


def move(browser: MailingClient, email: str = "moved@example.com") -> str:
    """Ask to move; returns the path of the link."""
    assert browser.post(PAGE, {"email": email}).status_code == 302
    assert last_mail().to == [email]
    return path_of(last_mail())


def test_nothing_changes_until_the_link_is_used(browser: MailingClient, person: User) -> None:
    path = move(browser)
    browser.get(path)
    person.refresh_from_db()
    assert person.email == "ann@example.com"
    assert b"moved@example.com waits to be confirmed" in browser.get(PAGE).content


def test_the_link_moves_the_account(browser: MailingClient, person: User) -> None:
    browser.post(move(browser))
    person.refresh_from_db()
    assert person.email == "moved@example.com"
    address = EmailAddress.objects.get(user=person)
    assert (address.email, address.verified, address.primary) == ("moved@example.com", True, True)
    assert sign_in(MailingClient(), "moved@example.com")["Location"] == "/settings/tokens/"


def test_every_other_session_and_grant_ends(browser: MailingClient) -> None:
    other, program = MailingClient(), MailingClient()
    sign_in(other)
    access = login_json(program, "ann@example.com").json()["access_token"]
    browser.post(move(browser))
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    whoami = program.get("/api/auth/whoami", headers={"Authorization": f"Bearer {access}"})
    assert whoami.status_code == 401


def test_the_old_address_is_told(browser: MailingClient) -> None:
    browser.post(move(browser))
    assert last_mail().to == ["ann@example.com"]
    assert last_mail().subject == "Your e-mail address was changed"


def test_a_taken_address_looks_the_same_and_its_owner_is_told(browser: MailingClient, person: User) -> None:
    make_person("bob@example.com")
    free = browser.post(PAGE, {"email": "free@example.com"})
    taken = browser.post(PAGE, {"email": "bob@example.com"})
    assert (free.status_code, free["Location"]) == (taken.status_code, taken["Location"])
    assert [email.subject for email in mail.outbox[-2:]] == [
        "Confirm your e-mail address",
        "You already have an account",
    ]


def test_an_address_that_was_taken_meanwhile_is_not_moved_to(browser: MailingClient, person: User) -> None:
    path = move(browser)
    make_person("moved@example.com")
    assert browser.post(path).status_code == 404
    person.refresh_from_db()
    assert person.email == "ann@example.com"
    assert EmailAddress.objects.get(user=person).verified


def test_an_unproven_account_makes_room(browser: MailingClient, person: User) -> None:
    User.objects.create_user("moved@example.com", PASSWORD)
    browser.post(move(browser))
    person.refresh_from_db()
    assert person.email == "moved@example.com"
    assert User.objects.count() == 1


def test_a_sign_up_that_waits_ends_with_the_move(browser: MailingClient) -> None:
    sign_up_on_page(MailingClient(), "moved@example.com")
    waiting = path_of(last_mail())
    browser.post(move(browser))
    assert MailingClient().get(waiting).status_code == 404


def test_the_mailbox_alone_moves_no_account_onto_its_address(browser: MailingClient, person: User) -> None:
    """A stranger may have asked to move their own account; its owner then has the mail, and no session."""
    path = move(browser)
    other = MailingClient()
    make_person("other@example.com")
    for _ in range(2):
        assert other.get(path).status_code == other.post(path).status_code == 403
        sign_in(other, "other@example.com")
    person.refresh_from_db()
    assert person.email == "ann@example.com"
    assert browser.post(path).status_code == 302


def test_the_flow_itself_moves_the_account_of_nobody_but_who_is_signed_in(
    browser: MailingClient, person: User
) -> None:
    link = mailed_links.find(move(browser).rpartition("/")[2], LinkKind.MOVE)
    with pytest.raises(InvalidLink):
        email_change.confirm(link, make_person("bob@example.com"))
    person.refresh_from_db()
    assert person.email == "ann@example.com"
    assert email_change.confirm(link, person).email == "moved@example.com"


def test_asking_to_move_cancels_no_sign_up_of_the_address(browser: MailingClient) -> None:
    owner = MailingClient()
    sign_up_on_page(owner, "moved@example.com")
    waiting = path_of(last_mail())
    move(browser)
    assert owner.post(waiting)["Location"] == "/settings/tokens/"
    assert User.objects.get(email="moved@example.com").check_password(PASSWORD)


def test_a_taken_address_is_shown_to_wait_as_a_free_one_is(browser: MailingClient) -> None:
    make_person("bob@example.com")
    browser.post(PAGE, {"email": "bob@example.com"})
    assert b"bob@example.com waits to be confirmed" in browser.get(PAGE).content


def test_it_takes_a_fresh_proof(browser: MailingClient) -> None:
    with time_machine.travel(time_of(browser) + 601, tick=False):
        response = browser.post(PAGE, {"email": "moved@example.com"})
    assert response["Location"].startswith("/accounts/reauthenticate/")
    assert not mail.outbox


def time_of(browser: MailingClient) -> float:
    """When the browser's person last proved who they are."""
    at: float = browser.session["account_authentication_methods"][-1]["at"]
    return at


@pytest.mark.parametrize("email", ["ann@example.com", "no address", ""])
def test_other_addresses_are_refused(browser: MailingClient, email: str) -> None:
    assert browser.post(PAGE, {"email": email}).status_code == 400


def test_a_guest_is_sent_to_sign_in(db: None) -> None:
    assert MailingClient().get(PAGE)["Location"] == "/accounts/login/?next=/accounts/email/"
