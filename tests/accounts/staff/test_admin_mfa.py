"""ADMIN_MFA_REQUIRED: staff see the admin only in a session that has proven their second factor."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from accounts.models import User
from tests.accounts.authentication.flows import make_person, sign_in
from tests.accounts.authentication.test_mfa import code_of, prove, turn_on
from tests.support.mails import MailingClient

pytestmark = pytest.mark.django_db
ADMIN = "/admin/"
PAGES = (ADMIN, reverse("admin:accounts_user_changelist"), reverse("admin:jsi18n"))


@pytest.fixture(autouse=True)
def required(settings) -> None:
    settings.ADMIN_MFA_REQUIRED = True


@pytest.fixture
def root(db: None) -> User:
    return make_person("ann@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def browser(root: User) -> MailingClient:
    """The superuser's, signed in by password."""
    browser = MailingClient()
    sign_in(browser)
    return browser


def ends_at(browser: MailingClient, page: str = ADMIN) -> str:
    """Where one ends up who opens the page; empty if on the page itself."""
    response = browser.get(page, follow=True)
    assert response.status_code == 200
    return response.redirect_chain[-1][0].partition("?")[0] if response.redirect_chain else ""


def sign_in_with(secret: str, step: int = 1) -> MailingClient:
    browser = MailingClient()
    sign_in(browser)
    browser.post("/accounts/2fa/authenticate/", {"code": code_of(secret, step)})
    return browser


def test_without_a_factor_every_page_leads_to_setting_one_up(browser: MailingClient) -> None:
    for page in PAGES:
        assert ends_at(browser, page) == "/accounts/2fa/"
    assert b"The admin asks for a second factor" in browser.get(ADMIN, follow=True).content


def test_nothing_is_done_without_one_either(browser: MailingClient, root: User) -> None:
    form = {"action": "deactivate", "_selected_action": root.pk, "confirmed": "yes"}
    response = browser.post(reverse("admin:accounts_user_changelist"), form)
    assert response.status_code == 302
    root.refresh_from_db()
    assert root.is_active


def test_setting_one_up_and_proving_it_opens_the_admin(browser: MailingClient) -> None:
    secret = turn_on(browser)
    response = browser.get(ADMIN, follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2F"
    form = {"code": code_of(secret), "next": ADMIN}
    assert browser.post("/accounts/2fa/reauthenticate/", form)["Location"] == ADMIN
    assert ends_at(browser) == ""


def test_a_sign_in_with_the_factor_is_enough(browser: MailingClient) -> None:
    assert ends_at(sign_in_with(turn_on(browser))) == ""


def test_the_password_alone_proves_no_factor(browser: MailingClient) -> None:
    turn_on(browser)
    prove(browser)
    assert ends_at(browser) == "/accounts/2fa/reauthenticate/"


def test_a_recovery_code_is_a_factor_too(browser: MailingClient) -> None:
    turn_on(browser)
    code = browser.get("/accounts/2fa/recovery-codes/download/").content.decode().split()[-1]
    browser.post("/accounts/2fa/reauthenticate/", {"code": code, "next": ADMIN})
    assert ends_at(browser) == ""


def test_a_factor_that_was_replaced_since_proves_nothing(browser: MailingClient, root: User) -> None:
    inside = sign_in_with(turn_on(browser))
    assert ends_at(inside) == ""
    Authenticator.objects.filter(user=root).delete()
    assert ends_at(inside) == "/accounts/2fa/"
    turn_on(inside)
    assert ends_at(inside) == "/accounts/2fa/reauthenticate/"


def test_whoever_has_a_passkey_alone_is_asked_for_that(browser: MailingClient, root: User) -> None:
    Authenticator.objects.create(user=root, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    response = browser.get("/admin/login/?next=/admin/")
    assert response["Location"] == "/accounts/2fa/webauthn/reauthenticate/?next=%2Fadmin%2F"


def test_one_who_is_not_staff_is_refused_as_before() -> None:
    make_person("bob@example.com")
    browser = MailingClient()
    sign_in(browser, "bob@example.com")
    assert browser.get(ADMIN, follow=True).status_code == 403


def test_a_stranger_is_sent_to_the_sign_in_page_as_before(db: None) -> None:
    assert ends_at(MailingClient()) == "/accounts/login/"


def test_by_default_it_is_not_asked_for(browser: MailingClient, settings) -> None:
    settings.ADMIN_MFA_REQUIRED = False
    assert ends_at(browser) == ""
