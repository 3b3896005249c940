"""Signing up, on the page and by JSON."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from accounts.models import MailedClaim, Membership, Organization, User
from accounts.registration.retention import prune_people
from tests.accounts.authentication.flows import (
    OTHER_PASSWORD,
    PASSWORD,
    login_json,
    make_person,
    sign_up_on_page,
)
from tests.support.mails import MailingClient, last_mail, link_of, path_of
from tests.support.people import make_organization, make_plan

pytestmark = pytest.mark.django_db
BODY = {"email": "new@example.com", "password": PASSWORD, "name": "Nora", "organizationName": "Kettles"}


@pytest.fixture
def browser(db: None) -> MailingClient:
    make_plan()
    return MailingClient()


def test_the_page_mails_a_link_and_makes_no_account(browser: MailingClient) -> None:
    response = sign_up_on_page(browser)
    assert response["Location"] == "/accounts/confirm-email/"
    assert not User.objects.exists()
    assert not Organization.objects.exists()
    assert last_mail().to == ["new@example.com"]
    assert "/accounts/confirm-email/" in link_of(last_mail())


def test_the_link_opens_the_account_that_was_asked_for(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    browser.post(path_of(last_mail()))
    user = User.objects.get()
    assert (user.email, user.name, user.check_password(PASSWORD)) == ("new@example.com", "Nora", True)
    assert EmailAddress.objects.get(user=user).verified


def test_the_confirmed_person_owns_a_new_organization_on_the_free_plan(browser: MailingClient) -> None:
    browser.send_json("/v1/auth/signup", BODY)
    browser.post(path_of(last_mail()))
    member = Membership.objects.get()
    assert (member.user.email, member.role) == ("new@example.com", "owner")
    assert (member.organization.name, member.organization.plan.slug) == ("Kettles", "free")


def test_json_answers_202(browser: MailingClient) -> None:
    response = browser.send_json("/v1/auth/signup", BODY)
    assert response.status_code == 202
    assert response.json()["status"] == "accepted"


def test_a_taken_organization_name_founds_another_organization(browser: MailingClient) -> None:
    taken = make_organization("Kettles")
    Organization.objects.filter(pk=taken.pk).update(slug="kettles")
    browser.send_json("/v1/auth/signup", BODY)
    browser.post(path_of(last_mail()))
    member = Membership.objects.get()
    assert member.organization_id != taken.pk
    assert member.organization.slug.startswith("kettles-")


def test_without_an_organization_name_one_is_made_up(browser: MailingClient) -> None:
    browser.send_json("/v1/auth/signup", {name: BODY[name] for name in ("email", "password", "name")})
    browser.post(path_of(last_mail()))
    assert Organization.objects.get().name == "Nora's organization"


def test_before_the_address_is_confirmed_a_sign_in_does_not_tell_it_from_an_account(
    browser: MailingClient,
) -> None:
    """With another answer, anybody could sign an address up and learn whether it had an account."""
    sign_up_on_page(browser)
    make_person("has@example.com")
    sign_up_on_page(browser, "has@example.com", password=OTHER_PASSWORD)
    new, known = (
        login_json(browser, "new@example.com"),
        login_json(browser, "has@example.com", OTHER_PASSWORD),
    )
    assert (new.status_code, new.json()["code"]) == (401, "invalid_credentials")
    assert (known.status_code, known.json()) == (new.status_code, new.json())


def test_of_two_sign_ups_the_confirmed_one_alone_counts(browser: MailingClient) -> None:
    browser.send_json("/v1/auth/signup", BODY)
    first = path_of(last_mail())
    MailingClient().send_json("/v1/auth/signup", BODY | {"password": OTHER_PASSWORD, "name": "Stranger"})
    assert browser.post(first).status_code == 302
    user = User.objects.get()
    assert (user.name, user.check_password(PASSWORD)) == ("Nora", True)
    assert browser.post(path_of(last_mail())).status_code == 404
    assert login_json(browser, "new@example.com", OTHER_PASSWORD).status_code == 401


def test_a_proven_account_is_left_alone_and_its_owner_told(browser: MailingClient) -> None:
    user = make_person("new@example.com")
    before = User.objects.filter(pk=user.pk).values().get()
    browser.send_json("/v1/auth/signup", BODY | {"password": OTHER_PASSWORD})
    assert User.objects.filter(pk=user.pk).values().get() == before
    assert last_mail().subject == "You already have an account"
    assert link_of(last_mail()).endswith("/accounts/login/")


def test_staff_without_a_proven_address_are_left_alone(browser: MailingClient) -> None:
    staff = User.objects.create_superuser("root@example.com", PASSWORD)
    browser.send_json("/v1/auth/signup", BODY | {"email": "root@example.com", "password": OTHER_PASSWORD})
    staff.refresh_from_db()
    assert staff.check_password(PASSWORD)
    assert last_mail().subject == "You already have an account"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ["a@example.com", "b@example.com"]),
        ("email", "no address"),
        ("email", "a@localhost"),
        ("email", "a@example.com,b@example.com"),
        ("email", "a@example.com\nBcc: b@example.com"),
        ("name", "Win at http://evil.example/now"),
        ("name", "www.evil.example"),
        ("name", "Nora\r\nBcc: all@example.com"),
        ("organizationName", "https://evil.example"),
        ("password", "x" * 1025),
    ],
)
def test_what_has_no_place_in_a_mail_or_an_account_is_refused(
    browser: MailingClient, field: str, value: object
) -> None:
    response = browser.send_json("/v1/auth/signup", BODY | {field: value})
    assert response.status_code == 400
    assert field in response.json()["fields"]
    assert not mail.outbox


def test_the_page_refuses_an_address_at_localhost(browser: MailingClient) -> None:
    page = browser.post("/accounts/signup/", {"email": "a@localhost", "name": "A", "password": PASSWORD})
    assert page.status_code == 400
    assert not User.objects.filter(email="a@localhost").exists()


def test_honest_names_with_dots_are_taken(browser: MailingClient) -> None:
    names = {"name": "J. R. O'Neill-Müller", "organizationName": "Example.com Ltd."}
    assert browser.send_json("/v1/auth/signup", BODY | names).status_code == 202


def test_two_addresses_in_a_form_are_refused(browser: MailingClient) -> None:
    form = {"email": ["a@example.com", "b@example.com"], "name": "N", "password": PASSWORD}
    assert browser.post("/accounts/signup/", form).status_code == 400
    assert not User.objects.exists()


@override_settings(SIGN_UPS_PER_ADDRESS=2)
def test_sign_ups_are_limited_for_each_client(browser: MailingClient) -> None:
    for number in range(2):
        browser.send_json("/v1/auth/signup", BODY | {"email": f"a{number}@example.com"})
    response = browser.send_json("/v1/auth/signup", BODY)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert int(response["Retry-After"]) == response.json()["retry_after"] > 0
    assert sign_up_on_page(browser).status_code == 429
    assert MailedClaim.objects.count() == 2


def test_a_guest_only_page_sends_people_who_are_inside_on(browser: MailingClient) -> None:
    browser.force_login(make_person())
    assert browser.get("/accounts/signup/")["Location"] == "/settings/tokens/"


def test_what_was_never_confirmed_is_pruned(browser: MailingClient) -> None:
    sign_up_on_page(browser)
    User.objects.create_user("of-the-version-before@example.com", PASSWORD)
    make_person()
    prune_people()
    assert (User.objects.count(), MailedClaim.objects.count()) == (2, 1)
    prune_people(timezone.now() + timedelta(days=8))
    assert User.objects.get().email == "ann@example.com"
    assert not MailedClaim.objects.exists()


def test_an_account_of_the_version_before_that_nobody_proved_makes_room(browser: MailingClient) -> None:
    User.objects.create_user("new@example.com", OTHER_PASSWORD)
    sign_up_on_page(browser)
    browser.post(path_of(last_mail()))
    assert User.objects.get().check_password(PASSWORD)
