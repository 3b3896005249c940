"""Signing up with the secret of an invitation: the address counts as proven, and the person joins."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.members import invitations
from accounts.models import Membership, Organization, User
from accounts.permissions.roles import Role
from accounts.registration.onboarding import SESSION_KEY
from tests.accounts.authentication.flows import OTHER_PASSWORD, PASSWORD, login_json, make_person
from tests.support.mails import MailingClient, last_mail
from tests.support.people import actor

pytestmark = pytest.mark.django_db
BODY = {"email": "new@example.com", "password": PASSWORD, "name": "Nora"}


@pytest.fixture
def inviter(db: None) -> Membership:
    return make_person().memberships.get()


@pytest.fixture
def secret(inviter: Membership) -> str:
    return invitations.invite(actor=actor(inviter), email="new@example.com", role=Role.ADMIN).secret


@pytest.fixture
def browser() -> MailingClient:
    return MailingClient()


def test_the_person_joins_and_can_sign_in_at_once(
    browser: MailingClient, inviter: Membership, secret: str
) -> None:
    assert browser.send_json("/v1/auth/signup", BODY | {"invitation": secret}).status_code == 202
    member = Membership.objects.get(user__email="new@example.com")
    assert (member.organization_id, member.role) == (inviter.organization_id, "admin")
    assert Organization.objects.count() == 1
    assert not mail.outbox
    assert login_json(browser, "new@example.com").json()["user"]["role"] == "admin"


def test_the_page_joins_too(browser: MailingClient, inviter: Membership, secret: str) -> None:
    session = browser.session
    session[SESSION_KEY] = secret
    session.save()
    page = browser.get("/accounts/signup/").content.decode()
    assert inviter.organization.name in page
    assert 'value="new@example.com"' in page
    response = browser.post("/accounts/signup/", BODY)
    assert response["Location"] == "/accounts/login/"
    assert Membership.objects.filter(user__email="new@example.com").exists()
    assert SESSION_KEY not in browser.session


def test_it_is_for_its_own_address_alone(browser: MailingClient, secret: str) -> None:
    body = BODY | {"email": "other@example.com", "invitation": secret}
    response = browser.send_json("/v1/auth/signup", body)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert not User.objects.filter(email="other@example.com").exists()


def test_an_unknown_secret_is_not_found(browser: MailingClient, secret: str) -> None:
    response = browser.send_json("/v1/auth/signup", BODY | {"invitation": "A" * 43})
    assert response.status_code == 404
    assert not User.objects.filter(email="new@example.com").exists()


def test_it_works_once(browser: MailingClient, secret: str) -> None:
    browser.send_json("/v1/auth/signup", BODY | {"invitation": secret})
    again = browser.send_json("/v1/auth/signup", BODY | {"invitation": secret})
    assert (again.status_code, again.json()["code"]) == (410, "invitation_gone")


def test_an_account_that_exists_is_told_and_left_alone(browser: MailingClient, secret: str) -> None:
    make_person("new@example.com")
    body = BODY | {"invitation": secret, "password": OTHER_PASSWORD}
    assert browser.send_json("/v1/auth/signup", body).status_code == 202
    user = User.objects.get(email="new@example.com")
    assert user.check_password(PASSWORD)
    assert user.memberships.count() == 1
    assert last_mail().subject == "You already have an account"


def test_an_unproven_account_becomes_the_invited_persons(browser: MailingClient, secret: str) -> None:
    browser.send_json("/v1/auth/signup", BODY | {"password": OTHER_PASSWORD})
    browser.send_json("/v1/auth/signup", BODY | {"invitation": secret})
    user = User.objects.get(email="new@example.com")
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified
    assert user.memberships.get().role == "admin"
