"""One mailbox is one account, whichever way its domain is written; pages show it as people write it."""

from __future__ import annotations

import importlib
import logging

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core import mail
from django.core.exceptions import ValidationError

from accounts.authentication import throttling
from accounts.members import invitations
from accounts.models import Invitation, MailedClaim, Membership, User
from accounts.permissions.roles import Role
from accounts.validation import addresses, email_domains
from tests.accounts.authentication.flows import (
    is_signed_in,
    login_json,
    make_person,
    sign_in,
    sign_up_on_page,
)
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import make_plan
from tests.support.team import make_invited, make_proven

pytestmark = pytest.mark.django_db
UNICODE, STORED = "bert@bücher.example", "bert@xn--bcher-kva.example"
OTHERS = ("Bert@BÜCHER.example", "bert@XN--BCHER-KVA.example", "bert@bu\u0308cher.example")
SPELLINGS = (UNICODE, STORED, *OTHERS)
migration = importlib.import_module("accounts.migrations.0016_address_spellings")


@pytest.fixture(autouse=True)
def _plan() -> None:
    make_plan()


def keep_as_before(user: User) -> None:
    """As the version before stored it."""
    EmailAddress.objects.filter(user=user).update(email=UNICODE)
    User.objects.filter(pk=user.pk).update(email=UNICODE)


@pytest.mark.parametrize("typed", SPELLINGS)
def test_an_address_has_one_stored_form(typed: str) -> None:
    assert addresses.cleaned(typed) == addresses.normalized(f" {typed} ") == STORED
    assert addresses.shown(STORED) == UNICODE


@pytest.mark.parametrize("typed", ["bert@-ü.de", "bert@" + "ü" * 240 + ".de", "ü", "a@ü@b", "a@\u200b.de"])
def test_what_has_no_stored_form_is_refused_and_compared_as_it_is(typed: str) -> None:
    with pytest.raises(ValidationError):
        addresses.cleaned(typed)
    assert addresses.normalized(typed) == typed


def test_a_domain_that_cannot_be_shown_stays_as_it_is() -> None:
    assert addresses.shown("bert@xn--a-ecp.example") == "bert@xn--a-ecp.example"


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_sign_up_and_a_sign_in_take_either_spelling(typed: str) -> None:
    browser = MailingClient()
    sign_up_on_page(browser, typed)
    assert last_mail().to == [STORED]
    browser.post(path_of(last_mail()))
    assert User.objects.get().email == STORED
    assert UNICODE in browser.get("/accounts/email/").content.decode()
    for other in (UNICODE, STORED):
        assert login_json(MailingClient(), other).status_code == 200


def test_the_other_spelling_opens_no_second_account(settings) -> None:
    settings.MAILS_PER_HOUR = 10
    person = make_person(UNICODE)
    for typed in SPELLINGS:
        mail.outbox.clear()
        sign_up_on_page(MailingClient(), typed)
        assert last_mail().subject == "You already have an account"
    assert list(User.objects.all()) == [person]


@pytest.mark.parametrize("endpoint", ["magic-link", "password-reset"])
@pytest.mark.parametrize("typed", [UNICODE, STORED])
def test_mailed_links_are_for_the_account_of_either_spelling(endpoint: str, typed: str) -> None:
    person = make_person(UNICODE)
    MailingClient().send_json(f"/v1/auth/{endpoint}", {"email": typed})
    assert MailedClaim.objects.get().user == person


@pytest.mark.parametrize("invited", [UNICODE, STORED])
def test_an_invitation_is_accepted_under_either_spelling(owner: Membership, invited: str) -> None:
    found = make_invited(owner, invited)
    assert found.invitation.email == STORED
    Invitation.objects.update(email=invited)
    bert = make_proven(STORED)
    assert invitations.accept(secret=found.secret, user=bert).user == bert
    assert Membership.objects.filter(user=bert).exists()


def test_an_invited_person_signs_up_in_a_browser(owner: Membership) -> None:
    found = make_invited(owner, UNICODE, Role.VIEWER)
    browser = MailingClient()
    page = browser.get(f"/accounts/invitations/{found.secret}/")
    assert UNICODE in page.content.decode()
    sign_up_on_page(browser, STORED, organization="")
    assert Membership.objects.get(organization=owner.organization, user__email=STORED).role == Role.VIEWER


def test_moving_to_another_spelling_of_ones_own_address_is_refused() -> None:
    make_person(STORED)
    browser = MailingClient()
    sign_in(browser, UNICODE)
    answer = browser.post("/accounts/email/", {"email": UNICODE})
    assert "This is your address already." in answer.content.decode()


def test_all_spellings_share_their_limits() -> None:
    assert len({throttling.account(typed) for typed in SPELLINGS}) == 1


def test_a_policy_admits_every_spelling_of_its_domains() -> None:
    assert email_domains.cleaned(["bücher.example", "XN--bcher-kva.example"]) == ["xn--bcher-kva.example"]
    assert all(email_domains.admits(["bücher.example"], typed) for typed in SPELLINGS)
    assert email_domains.cleaned(["straße.example"]) != email_domains.cleaned(["strasse.example"])
    assert "bücher.example" in email_domains.sentence(["xn--bcher-kva.example"])


def test_an_account_of_the_version_before_is_signed_in_to_and_found() -> None:
    person = make_person(STORED)
    keep_as_before(person)
    for typed in (UNICODE, STORED):
        browser = MailingClient()
        sign_in(browser, typed)
        assert is_signed_in(browser)
        sign_up_on_page(MailingClient(), typed)
    assert list(User.objects.all()) == [person]


def test_the_migration_stores_one_form_of_everything(owner: Membership) -> None:
    person = make_person(STORED)
    make_invited(owner, STORED)
    MailingClient().send_json("/v1/auth/magic-link", {"email": STORED})
    keep_as_before(person)
    Invitation.objects.update(email=UNICODE)
    sign_in_link = MailedClaim.objects.filter(kind="sign-in")
    sign_in_link.update(email=UNICODE, claim=f"sign-in:{UNICODE}")
    migration.respell(apps, None)
    migration.respell(apps, None)
    for model in (User.objects.filter(pk=person.pk), EmailAddress.objects, Invitation.objects):
        assert model.get().email == STORED
    assert sign_in_link.values_list("email", "claim").get() == (STORED, f"sign-in:{STORED}")
    browser = MailingClient()
    sign_in(browser, UNICODE)
    assert is_signed_in(browser)


def test_the_migration_keeps_both_accounts_of_one_mailbox(caplog: pytest.LogCaptureFixture) -> None:
    person = make_person("other@example.com")
    keep_as_before(person)
    make_proven(STORED)
    with caplog.at_level(logging.WARNING):
        migration.respell(apps, None)
    assert {user.email for user in User.objects.all()} == {UNICODE, STORED}
    assert f"{UNICODE} and {STORED}" in caplog.text
    browser = MailingClient()
    sign_in(browser, UNICODE)
    assert is_signed_in(browser)
