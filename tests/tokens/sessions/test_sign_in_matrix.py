"""Ways of signing in against an organization's policies, at pages, the API, exchange and refresh.

``POLICIES`` names the ways that meet each policy; every other combination has to be refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import chain, count, repeat
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from accounts.models import Membership, Organization, User
from accounts.permissions.roles import Role
from accounts.proof import Factor
from tests.accounts.authentication.sign_in_by import google, microsoft, sign_in_by
from tests.accounts.authentication.test_mfa import code_of
from tests.accounts.oidc.fake_provider import TENANT, FakeProvider
from tests.support.clients import program
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import PASSWORD, make_organization, proving
from tests.support.sessions import join, login, make_person, refresh
from tests.tokens.api.test_exchange import exchange
from tokens.credentials.cache import credential_cache

__all__ = ["google", "microsoft"]
pytestmark = pytest.mark.django_db
PAGE = "/settings/tokens/"
OTHER_TENANT = "11111111-2222-4333-8444-555555555555"
_numbers = count(1)


@pytest.fixture(autouse=True)
def at_the_start_of_a_time_step() -> Iterator[None]:
    """An app's codes of this time step and both beside it are accepted throughout the test."""
    with time_machine.travel(time.time() // 30 * 30):
        yield


PROVIDER_WAYS = {"private google", "google of acme", "google of other", "microsoft of acme"}
POLICIES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "second factor": ({"mfa_required": True}, {"password and app", "mail and app", "passkey"}),
    "any provider": ({"sso_required": True}, PROVIDER_WAYS),
    "google": (
        {"sso_required": True, "sso_provider": "google"},
        {"private google", "google of acme", "google of other"},
    ),
    "google's hosted domain": (
        {"sso_required": True, "sso_provider": "google", "sso_tenant": "acme.example"},
        {"google of acme"},
    ),
    "domains": (
        {"sso_required": True, "email_domains": ["acme.example"]},
        {"google of acme", "microsoft of acme"},
    ),
    "google and domains": (
        {"sso_required": True, "sso_provider": "google", "email_domains": ["acme.example"]},
        {"google of acme"},
    ),
    "microsoft's tenant": (
        {"sso_required": True, "sso_provider": "microsoft", "sso_tenant": TENANT},
        {"microsoft of acme"},
    ),
    "another tenant": (
        {"sso_required": True, "sso_provider": "microsoft", "sso_tenant": OTHER_TENANT},
        set(),
    ),
    "a provider and a second factor": ({"sso_required": True, "mfa_required": True}, set()),
}


class Person:
    """A member who has signed in to a browser, and signs in to the API in the same way."""

    def __init__(self, browser: Client, organization: Organization) -> None:
        self.browser, self.organization = browser, organization
        self.browser.post("/settings/switch-organization/", {"organization": organization.public_id})

    def exchange(self) -> Any:
        return exchange(self.browser, {}, organization=self.organization.slug)

    def api(self) -> Any:
        """A provider's sign-in reaches the API by exchange alone."""
        return self.exchange()


class ByPassword(Person):
    def __init__(self, organization: Organization, *, app: bool = False) -> None:
        self.member = make_person(organization, Role.MEMBER)
        self.secret = generate_totp_secret() if app else ""
        if app:
            TOTP.activate(self.member.user, self.secret)
        # A code is accepted once: in the browser, at the API, and under each policy, which is undone.
        self.steps = chain((-1, 0), repeat(1))
        browser = MailingClient()
        self.enter(browser)
        super().__init__(browser, organization)

    @property
    def email(self) -> str:
        return self.member.user.email

    def code(self) -> dict[str, str]:
        return {"code": code_of(self.secret, next(self.steps))} if self.secret else {}

    def enter(self, browser: MailingClient) -> None:
        browser.post("/accounts/login/", {"login": self.email, "password": PASSWORD})
        self.finish(browser)

    def finish(self, browser: MailingClient) -> None:
        if self.secret:
            browser.post("/accounts/2fa/authenticate/", self.code())

    def api(self) -> Any:
        return login(self.email, **self.code())


class ByMail(ByPassword):
    def link(self) -> str:
        mail.outbox.clear()
        MailingClient().send_json("/v1/auth/magic-link", {"email": self.email})
        return path_of(last_mail())

    def enter(self, browser: MailingClient) -> None:
        browser.post(self.link())
        self.finish(browser)

    def api(self) -> Any:
        body = {"token": self.link().rpartition("/")[2]} | self.code()
        return Client().post("/v1/auth/magic-link/verify", body, content_type="application/json")


class ByPasswordGrant(ByPassword):
    def api(self) -> Any:
        path = "/auth/v1/token?grant_type=password"
        body = {"email": self.email, "password": PASSWORD}
        return Client().post(path, body, content_type="application/json")


def by_passkey(organization: Organization, *_: FakeProvider) -> Person:
    member = make_person(organization, Role.MEMBER)
    key = Authenticator.objects.create(
        user=member.user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"}
    )
    browser = Client()
    browser.force_login(member.user)
    proving(browser, member.user, method="mfa", type=Factor.WEBAUTHN.value, id=key.pk, passwordless=True)
    return Person(browser, organization)


def by_provider(provider: FakeProvider, slug: str, organization: Organization, **claims: Any) -> Person:
    number, browser = next(_numbers), Client()
    email = f"person-{number}@acme.example"
    provider.claims |= {"sub": f"subject-{number}", "email": email} | claims
    sign_in_by(browser, provider, slug)
    join(User.objects.get(email=email), organization, Role.MEMBER)
    return Person(browser, organization)


Way = Callable[[Organization, FakeProvider, FakeProvider], Person]
WAYS: dict[str, Way] = {
    "password": lambda organization, *_: ByPassword(organization),
    "password and app": lambda organization, *_: ByPassword(organization, app=True),
    "password grant": lambda organization, *_: ByPasswordGrant(organization),
    "mail": lambda organization, *_: ByMail(organization),
    "mail and app": lambda organization, *_: ByMail(organization, app=True),
    "passkey": by_passkey,
    # A private account may have an address of the company's domain; Google verifies the mailbox alone.
    "private google": lambda organization, one, _: by_provider(one, "google", organization, hd=None),
    "google of acme": lambda organization, one, _: by_provider(
        one, "google", organization, hd="acme.example"
    ),
    "google of other": lambda organization, one, _: by_provider(
        one, "google", organization, hd="other.example"
    ),
    "microsoft of acme": lambda organization, _, two: by_provider(two, "microsoft", organization),
}


def test_every_policy_names_ways_that_there_are() -> None:
    assert set().union(*(ways for _, ways in POLICIES.values())) <= WAYS.keys()


def answers(person: Person, access: str, exchanged: dict[str, str]) -> dict[str, int | bool]:
    """The status of every way in, and of every credential that the person got before."""
    exchange_now = person.exchange()
    return {
        "page": person.browser.get(PAGE).status_code,
        "sign-in": person.api().status_code,
        "exchange": exchange_now.status_code,
        "names the policy": exchange_now.json().get("code") in ("sso_required", "mfa_required"),
        "API": program(access).get("/api/auth/whoami").status_code,
        "exchanged": program(exchanged["access_token"]).get("/api/auth/whoami").status_code,
        "refresh": refresh(exchanged["refresh_token"]).status_code,
    }


MET = dict.fromkeys(("page", "sign-in", "exchange", "API", "exchanged", "refresh"), 200)
MET |= {"names the policy": False}
UNMET = {"page": 403, "sign-in": 403, "exchange": 403, "API": 401, "exchanged": 401, "refresh": 401}
UNMET |= {"names the policy": True}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_of_signing_in_under_each_policy(
    way: str, google: FakeProvider, microsoft: FakeProvider
) -> None:
    person = WAYS[way](make_organization(), google, microsoft)
    before, exchanged = person.api(), person.exchange()
    assert (before.status_code, exchanged.status_code) == (200, 200)
    found = {}
    for policy, (fields, _) in POLICIES.items():
        cache.clear()
        credential_cache.clear()
        # No block, in which a refresh would refuse to run.
        unrestricted = transaction.savepoint()
        # Past the flow, so that nothing is revoked and each request has to judge for itself.
        Organization.objects.filter(pk=person.organization.pk).update(**fields)
        found[policy] = answers(person, before.json()["access_token"], exchanged.json())
        transaction.savepoint_rollback(unrestricted)
    assert found == {policy: MET if way in ways else UNMET for policy, (_, ways) in POLICIES.items()}


@pytest.mark.parametrize("way", ["password", "private google"])
def test_an_owner_is_asked_for_a_second_factor_alone(
    way: str, google: FakeProvider, microsoft: FakeProvider
) -> None:
    person = WAYS[way](make_organization(), google, microsoft)
    Membership.objects.filter(organization=person.organization).update(role=Role.OWNER)
    organization = Organization.objects.filter(pk=person.organization.pk)
    organization.update(sso_required=True, sso_provider="google", sso_tenant="acme.example")
    assert person.browser.get(PAGE).status_code == person.exchange().status_code == 200
    organization.update(mfa_required=True)
    assert person.browser.get(PAGE).status_code == person.exchange().status_code == 403
