"""Flows that grant rights, or remove everyone's, require a recent sign-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings as django_settings
from django.test import Client

from accounts.members import invitations, roles
from accounts.models import Membership
from accounts.organizations import deletion, update
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from accounts.proof import NOTHING_PROVEN, Factor, Proof, Step
from tests.support.clients import program
from tests.support.people import actor, browser_of, fresh_browser_of, make_member, make_token, proving
from tests.support.sessions import login, make_person, opened, refresh
from tests.tokens.api.test_exchange import exchange
from tests.tokens.oauth.calls import make_program
from tests.tokens.pages.test_create_page import GOOD
from tokens.lifecycle.revoke_all import revoke_all
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.oauth import clients
from tokens.service_accounts import issue, pause, rotation

pytestmark = pytest.mark.django_db
STALE = django_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1
TOKEN = {"name": "Importer", "permissions": ["*:*:*"], "expiresInDays": None}


def stale(factor: Factor = Factor.PASSWORD) -> Proof:
    return Proof((Step(factor, int(time.time()) - STALE),))


def client_of(owner: Membership) -> OAuthClient:
    return make_program(owner).row


def rotating(owner: Membership) -> ServiceAccountToken:
    return rotation.rotate(token=make_token(owner).token, actor=actor(owner)).token


def colleague_of(owner: Membership) -> Membership:
    return make_member(owner.organization, Role.VIEWER)


Flow = Callable[[Actor, Membership], Any]
FLOWS: dict[str, Flow] = {
    "create a token": lambda who, _: issue.issue(
        actor=who, name="x", permissions=["index:read:*"], expires_in_days=1
    ),
    "create a client": lambda who, _: clients.create(actor=who, name="x", scopes=["index:read:*"]),
    "widen a client": lambda who, owner: clients.update(actor=who, client=client_of(owner), scopes=["*:*:*"]),
    "cancel a rotation": lambda who, owner: rotation.cancel(actor=who, token=rotating(owner)),
    "resume a token": lambda who, owner: pause.resume(actor=who, token=make_token(owner).token),
    "rotate a client's secret": lambda who, owner: clients.rotate_secret(actor=who, client=client_of(owner)),
    "invite an owner": lambda who, _: invitations.invite(actor=who, email="x@example.com", role=Role.OWNER),
    "invite an admin": lambda who, _: invitations.invite(actor=who, email="x@example.com", role=Role.ADMIN),
    "make an admin": lambda who, owner: roles.change(
        actor=who, member_id=colleague_of(owner).pk, role=Role.ADMIN
    ),
    "make an owner": lambda who, owner: roles.change(
        actor=who, member_id=colleague_of(owner).pk, role=Role.OWNER
    ),
    "give a permission": lambda who, owner: roles.change(
        actor=who, member_id=colleague_of(owner).pk, permissions=["tokens.manage"]
    ),
    "transfer the ownership": lambda who, owner: roles.transfer_ownership(
        actor=who, member_id=colleague_of(owner).pk
    ),
    "change a policy": lambda who, _: update.change(actor=who, longest_token_days=7),
    "name domains": lambda who, _: update.change(actor=who, email_domains=["example.com"]),
    "allow addresses": lambda who, _: update.change(actor=who, allowed_addresses=["203.0.113.7"]),
    "rotate the publishable key": lambda who, _: update.rotate_key(actor=who),
    "revoke everything": lambda who, _: revoke_all(actor=who),
    "delete the organization": lambda who, owner: deletion.delete(
        actor=who, typed_name=owner.organization.name
    ),
}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
def test_a_flow_takes_a_recent_proof(owner: Membership, flow: Flow) -> None:
    for proof in (NOTHING_PROVEN, stale(), Proof((Step(Factor.MAIL, int(time.time())),))):
        with pytest.raises(ReauthenticationRequired):
            flow(replace(actor(owner), proof=proof), owner)
    flow(actor(owner), owner)


@pytest.mark.parametrize("factor", sorted(set(Factor) - {Factor.MAIL}))
def test_every_factor_but_the_mailbox_is_one(owner: Membership, factor: Factor) -> None:
    now = int(time.time())
    who = replace(actor(owner), proof=Proof((Step(factor, now - STALE + 5),)))
    issue.issue(actor=who, name="x", permissions=["index:read:*"], expires_in_days=1)
    with pytest.raises(ReauthenticationRequired):
        update.rotate_key(actor=replace(who, proof=stale(factor)))


@pytest.mark.parametrize(
    "flow",
    [
        lambda who, _: update.change(actor=who, name="Kettles"),
        lambda who, owner: roles.change(actor=who, member_id=colleague_of(owner).pk, role=Role.MEMBER),
        lambda who, _: invitations.invite(actor=who, email="x@example.com", role=Role.MEMBER),
        lambda who, owner: clients.update(actor=who, client=client_of(owner), name="x"),
    ],
    ids=["rename the organization", "raise a member's role", "invite a member", "rename a client"],
)
def test_what_gives_little_away_takes_none(owner: Membership, flow: Flow) -> None:
    flow(replace(actor(owner), proof=NOTHING_PROVEN), owner)


@pytest.mark.parametrize("who", ["service_account", "client"])
def test_a_program_is_not_asked(owner: Membership, who: str) -> None:
    api = program(make_token(owner, permissions=["*:*:*"]))
    if who == "client":
        api = program(make_program(owner, scopes=["*:*:*"]).grant()["access_token"])
    assert api.post("/api/v1/tokens", TOKEN).status_code == 201


# The API: the time of the proof is the sign-in's, whatever else was done since.


@pytest.fixture
def ada(db: None) -> Membership:
    return make_person(email="ada@example.com")


def test_a_sign_in_is_followed_by_a_token_at_once(ada: Membership) -> None:
    api = program(login("ada@example.com").json()["access_token"])
    assert api.post("/api/v1/tokens", TOKEN).status_code == 201


def test_a_stale_session_is_told_to_sign_in_again(ada: Membership) -> None:
    tokens = opened(ada, proof=stale())
    response = program(tokens.access_token).post("/api/v1/tokens", TOKEN)
    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    challenge = 'error="insufficient_user_authentication", max_age="600"'
    assert challenge in response["WWW-Authenticate"]
    assert not ServiceAccountToken.objects.exists()


def test_a_refresh_proves_nothing(ada: Membership) -> None:
    renewed = refresh(opened(ada, proof=stale()).refresh_token).json()["access_token"]
    assert program(renewed).post("/api/v1/tokens", TOKEN).json()["code"] == "reauthentication_required"
    recent = refresh(opened(ada).refresh_token).json()["access_token"]
    assert program(recent).post("/api/v1/tokens", TOKEN).status_code == 201


def browser_proven(member: Membership, at: float) -> Client:
    browser = browser_of(member.user)
    proving(browser, member.user, method="password", at=at)
    return browser


def test_an_exchange_carries_the_browsers_time(ada: Membership) -> None:
    old = exchange(browser_proven(ada, time.time() - STALE)).json()["access_token"]
    assert program(old).post("/api/v1/tokens", TOKEN).json()["code"] == "reauthentication_required"
    new = exchange(browser_proven(ada, time.time())).json()["access_token"]
    assert program(new).post("/api/v1/tokens", TOKEN).status_code == 201


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a client": ("post", "/api/v1/clients", {"name": "x", "scopes": ["index:read:*"]}),
    "an owner's invitation": ("post", "/api/v1/invitations", {"email": "x@example.com", "role": "owner"}),
    "a policy": ("patch", "/api/v1/organization", {"longestTokenDays": 7}),
    "the end of everything": ("post", "/api/v1/organization/revoke-all", {}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_call_takes_a_recent_sign_in(ada: Membership, call: tuple[str, str, dict[str, Any]]) -> None:
    method, path, body = call
    response = getattr(program(opened(ada, proof=stale()).access_token), method)(path, body)
    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    assert getattr(program(opened(ada).access_token), method)(path, body).status_code < 300


# Pages lead to the proof, and go on afterwards with what was sent.

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a token": ("/settings/tokens/new/", GOOD),
    "a client": (
        "/settings/clients/new/",
        {"name": "x", "refresh_auth": "required", "permissions": ["index:read:*"], "nonce": "n"},
    ),
    "an owner's invitation": ("/settings/members/invite/", {"email": "x@example.com", "role": "owner"}),
    "a policy": ("/settings/organization/policies/", {"longest_token_days": "7"}),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_page_asks_first_and_then_goes_on(ada: Membership, page: tuple[str, dict[str, Any]]) -> None:
    path, form = page
    for browser in (browser_of(ada.user), browser_proven(ada, time.time() - STALE)):
        response = browser.post(path, form)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/reauthenticate/")
    assert fresh_browser_of(ada.user).post(path, form).status_code in (302, 303)


def test_a_mailed_links_session_is_no_proof(ada: Membership) -> None:
    browser = browser_of(ada.user)
    proving(browser, ada.user, method="mail")
    assert browser.get("/settings/tokens/new/")["Location"].startswith("/accounts/reauthenticate/")
