"""Organizations that require single sign-on or a second factor, at every way of signing in."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from accounts.models import Membership, Organization
from accounts.organizations.update import set_terms
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from accounts.proof import Factor, proven
from tests.support.clients import program
from tests.support.people import PASSWORD, browser_of, make_organization, proving
from tests.support.sessions import join, login, make_person, opened, refresh
from tests.tokens.api.test_exchange import exchange, signed_in
from tokens.models import GrantKind

pytestmark = pytest.mark.django_db
PAGE = "/settings/tokens/"


@pytest.fixture
def sso() -> Organization:
    return make_organization(sso_required=True)


@pytest.fixture
def mfa() -> Organization:
    return make_organization(mfa_required=True)


@pytest.fixture
def ada(sso: Organization) -> Membership:
    return make_person(sso, Role.ADMIN, "ada@example.com")


@pytest.fixture
def bea(mfa: Organization) -> Membership:
    return make_person(mfa, Role.OWNER, "bea@example.com")


def password_grant(email: str) -> Any:
    path = "/auth/v1/token?grant_type=password"
    return Client().post(path, {"email": email, "password": PASSWORD}, content_type="application/json")


def switch_on(organization: Organization, policy: str) -> None:
    setattr(organization, policy, True)
    set_terms(organization=organization, actor=SYSTEM, fields=[policy])


def test_a_password_opens_no_door_where_single_sign_on_is_required(ada: Membership) -> None:
    for response in (login("ada@example.com"), password_grant("ada@example.com"), exchange(signed_in(ada))):
        assert (response.status_code, response.json()["code"]) == (403, "sso_required")


def test_single_sign_on_opens_it(ada: Membership) -> None:
    browser = signed_in(ada, by_provider=True)
    assert exchange(browser).json()["expires_in"] == 7200
    assert browser.get(PAGE).status_code == 200


def test_a_page_says_what_is_required_and_lets_nobody_further(ada: Membership) -> None:
    response = browser_of(ada.user).get(PAGE)
    assert response.status_code == 403
    assert b"requires single sign-on" in response.content


def test_a_page_about_the_person_stays_open(ada: Membership) -> None:
    assert browser_of(ada.user).get("/settings/security/").status_code == 200


def test_another_organization_is_open_meanwhile(ada: Membership) -> None:
    second = join(ada.user)
    browser = browser_of(ada.user)
    browser.post("/settings/switch-organization/", {"organization": second.organization.public_id})
    assert browser.get(PAGE).status_code == 200
    assert login("ada@example.com", organization=second.organization.slug).status_code == 200


def test_an_owner_may_always_sign_in_by_password(sso: Organization) -> None:
    owner = make_person(sso, Role.OWNER, "owner@example.com")
    assert login("owner@example.com").status_code == 200
    assert browser_of(owner.user).get(PAGE).status_code == 200


def test_without_a_second_factor_no_door_opens_where_it_is_required(bea: Membership) -> None:
    for response in (login("bea@example.com"), password_grant("bea@example.com"), exchange(signed_in(bea))):
        assert (response.status_code, response.json()["code"]) == (403, "mfa_required")
    page = browser_of(bea.user).get(PAGE)
    assert (page.status_code, b"requires a second factor" in page.content) == (403, True)


def test_having_a_second_factor_is_not_having_proven_it(bea: Membership) -> None:
    totp = TOTP.activate(bea.user, generate_totp_secret()).instance
    browser = browser_of(bea.user)
    page = browser.get(PAGE)
    assert (page.status_code, b"Use your second factor" in page.content) == (403, True)
    proving(browser, bea.user, method="mfa", type="totp", id=totp.pk)
    assert browser.get(PAGE).status_code == 200


def test_a_removed_second_factor_proves_nothing(bea: Membership) -> None:
    totp = TOTP.activate(bea.user, generate_totp_secret()).instance
    browser = browser_of(bea.user)
    proving(browser, bea.user, method="mfa", type="totp", id=totp.pk)
    totp.delete()
    assert browser.get(PAGE).status_code == 403


@pytest.mark.parametrize("kind", [GrantKind.SESSION, GrantKind.SINGLE_SIGN_ON])
def test_what_was_opened_by_password_ends_with_the_switch(kind: GrantKind) -> None:
    member = make_person(make_organization(), Role.MEMBER)
    tokens = opened(member, kind)
    switch_on(member.organization, "sso_required")
    expected = 200 if kind == GrantKind.SINGLE_SIGN_ON else 401
    assert program(tokens.access_token).get("/api/auth/whoami").status_code == expected
    assert refresh(tokens.refresh_token).status_code == expected


def test_an_owners_session_outlives_the_switch_and_not_the_demotion() -> None:
    owner = make_person(make_organization(), Role.OWNER)
    tokens = opened(owner)
    switch_on(owner.organization, "sso_required")
    assert program(tokens.access_token).get("/api/auth/whoami").status_code == 200
    Membership.objects.filter(pk=owner.pk).update(role=Role.MEMBER)
    assert refresh(tokens.refresh_token).status_code == 401


@pytest.mark.parametrize("has_proven_it", [True, False])
def test_what_was_opened_without_a_second_factor_ends_with_the_switch(has_proven_it: bool) -> None:
    member = make_person(make_organization(), Role.MEMBER)
    totp = TOTP.activate(member.user, generate_totp_secret()).instance
    proof = proven(Factor.TOTP, authenticator=totp.pk) if has_proven_it else proven(Factor.PASSWORD)
    tokens = opened(member, proof=proof)
    switch_on(member.organization, "mfa_required")
    assert refresh(tokens.refresh_token).status_code == (200 if has_proven_it else 401)
