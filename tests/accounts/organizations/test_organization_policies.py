"""What an organization's policies forbid, for tokens and people, at every endpoint and page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.organizations.update import change
from accounts.permissions.roles import Role
from accounts.proof import Factor, proven
from tests.support.clients import program
from tests.support.people import actor, fresh_browser_of, make_member, make_token
from tests.support.sessions import make_person, opened, refresh, session_of
from tests.support.team import changes, make_invited, make_proven
from tests.tokens.pages.test_create_page import GOOD
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
TOKENS, ORGANIZATION = "/api/v1/tokens", "/api/v1/organization"
PAGE = "/settings/tokens/new/"


def creation(api: APIClient, days: int | None) -> Any:
    name = f"token {days} {ServiceAccountToken.objects.count()}"
    return api.post(TOKENS, {"name": name, "permissions": ["usage.view"], "expiresInDays": days})


def limit(member: Membership, days: int | None) -> None:
    change(actor=actor(member), longest_token_days=days)


def test_no_token_lives_longer_than_the_policy_lets_it(owner: Membership, api: APIClient) -> None:
    limit(owner, 30)
    assert creation(api, 30).status_code == 201
    refused = creation(api, 31)
    sentence = "By this organization's policy, a token may be valid for 1 to 30 days."
    assert (refused.status_code, refused.json()["fields"]) == (400, {"expiresInDays": [sentence]})


def test_with_a_longest_life_none_lives_for_ever(owner: Membership, api: APIClient) -> None:
    assert creation(api, None).status_code == 201
    limit(owner, 365)
    refused = creation(api, None)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["expiresInDays"])
    limit(owner, None)
    assert creation(api, None).status_code == 201


def test_tokens_that_exist_keep_their_expiry(owner: Membership, issued: Issued) -> None:
    before = issued.token.expires_at
    limit(owner, 1)
    assert program(issued).get("/api/auth/whoami").status_code == 200
    issued.token.refresh_from_db()
    assert issued.token.expires_at == before


def test_the_page_offers_what_the_policy_lets_live(owner: Membership) -> None:
    browser = fresh_browser_of(owner.user)
    limit(owner, 45)
    page = browser.get(PAGE).content.decode()
    offered = [days for days in (7, 30, 45, 60, 90, 180, 365) if f'<option value="{days}"' in page]
    assert offered == [7, 30, 45]
    assert '<option value="45" data-longest selected>45 days</option>' in page
    assert 'value="never"' not in page
    assert "This organization lets a token live 45 days at most." in page
    last = (timezone.now() + timedelta(days=45)).date().isoformat()
    assert f'max="{last}"' in page
    assert browser.get(f"{PAGE}?expires=180").content.decode().count(" selected>") == 1


def test_the_page_refuses_what_it_does_not_offer(owner: Membership) -> None:
    browser = fresh_browser_of(owner.user)
    limit(owner, 45)
    late = (timezone.now() + timedelta(days=46)).date().isoformat()
    too_long = ({"expiration": "90"}, {"expiration": "never"}, {"expiration": "custom", "expires_on": late})
    for fields in too_long:
        assert browser.post(PAGE, GOOD | fields).status_code == 422
    assert browser.post(PAGE, GOOD | {"expiration": "45"}).status_code == 303


def test_every_policy_is_read_and_written_at_the_api(api: APIClient, owner: Membership) -> None:
    wanted = {
        "name": "Kettles",
        "neverExpiringTokensAllowed": False,
        "longestTokenDays": 90,
        "emailDomains": ["Acme.example", "@bücher.example"],
        "allowedAddresses": ["2001:DB8::/48", "127.0.0.1", "127.0.0.0/8"],
        "leakedTokens": "notify",
        "unusedTokensRevokedAfterDays": 90,
    }
    answer = api.patch(ORGANIZATION, wanted)
    assert answer.status_code == 200
    results = api.get(ORGANIZATION).json()
    assert answer.json() == results
    stored = {
        "emailDomains": ["acme.example", "xn--bcher-kva.example"],
        "allowedAddresses": ["2001:db8::/48", "127.0.0.0/8"],
    }
    assert results | wanted | stored == results
    [event] = changes(owner.organization, "organization.changed")
    assert event["longest_token_days"] == [None, 90]
    assert event["email_domains"] == [[], stored["emailDomains"]]
    assert event["allowed_addresses"] == [[], stored["allowedAddresses"]]
    assert event["unused_tokens_revoked_after_days"] == [None, 90]
    assert event["leaked_tokens"] == ["revoke", "notify"]
    assert api.patch(ORGANIZATION, {"longestTokenDays": None}).json()["longestTokenDays"] is None


def test_the_policy_of_one_organization_holds_no_other(owner: Membership) -> None:
    limit(owner, 7)
    assert creation(program(make_token(make_member(), permissions=["*:*:*"])), 90).status_code == 201


def test_only_addresses_of_the_named_domains_are_invited(owner: Membership) -> None:
    change(actor=actor(owner), email_domains=["acme.example"])
    caller = session_of(make_person(owner.organization, Role.ADMIN, "ada@acme.example"))
    for email in ("grace@elsewhere.example", "grace@sub.acme.example", "grace@acme.example.org"):
        refused = caller.post("/api/v1/invitations", {"email": email, "role": "member"})
        sentence = "This organization takes addresses of acme.example only."
        assert (refused.status_code, refused.json()["fields"]) == (400, {"email": [sentence]})
    fitting = caller.post("/api/v1/invitations", {"email": "Grace@ACME.example", "role": "member"})
    assert fitting.status_code == 201


def test_an_invitation_from_before_is_refused_in_a_sentence(owner: Membership) -> None:
    invited = make_invited(owner, "grace@elsewhere.example")
    change(actor=actor(owner), email_domains=["acme.example"])
    grace = make_proven("grace@elsewhere.example")
    caller = session_of(make_member(user=grace))
    refused = caller.post("/api/v1/invitations/accept", {"token": invited.secret})
    sentence = "This organization takes addresses of acme.example only."
    assert (refused.status_code, refused.json()["fields"]) == (400, {"email": [sentence]})
    assert not Membership.objects.filter(user=grace, organization=owner.organization).exists()
    change(actor=actor(owner), email_domains=[])
    assert caller.post("/api/v1/invitations/accept", {"token": invited.secret}).status_code == 200


def test_who_belongs_already_stays(owner: Membership) -> None:
    change(actor=actor(owner), email_domains=["acme.example"])
    assert session_of(owner).get(ORGANIZATION).status_code == 200


def test_a_second_factor_is_asked_for_by_somebody_who_has_one(owner: Membership) -> None:
    with pytest.raises(APIError) as caught:
        change(actor=actor(owner), mfa_required=True)
    assert caught.value.extra["fields"].keys() == {"mfaRequired"}
    colleague = make_person(owner.organization, Role.MEMBER)
    session = opened(colleague)
    totp = TOTP.activate(owner.user, generate_totp_secret()).instance
    with pytest.raises(APIError):
        change(actor=actor(owner), mfa_required=True)
    proof = proven(Factor.TOTP, authenticator=totp.pk)
    change(actor=replace(actor(owner), proof=proof), mfa_required=True)
    assert refresh(session.refresh_token).status_code == 401
    assert changes(owner.organization, "organization.changed") == [{"mfa_required": [False, True]}]


def test_single_sign_on_is_asked_for_where_there_is_a_provider(
    api: APIClient, owner: Membership, settings: Any
) -> None:
    refused = api.patch(ORGANIZATION, {"ssoRequired": True})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["ssoRequired"])
    settings.SINGLE_SIGN_ON = {"google": {"client_id": "x", "client_secret": "x"}}
    session = opened(make_person(owner.organization, Role.MEMBER))
    assert api.patch(ORGANIZATION, {"ssoRequired": True}).json()["ssoRequired"] is True
    assert program(session.access_token).get(ORGANIZATION).json()["code"] == "token_revoked"


def test_a_change_is_known_to_every_worker(owner: Membership) -> None:
    generation = Organization.objects.get().generation
    change(actor=actor(owner), never_expiring_allowed=False)
    assert Organization.objects.get().generation > generation


def test_who_has_just_lost_the_right_changes_nothing(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    late = actor(admin)
    Membership.objects.filter(pk=admin.pk).update(role=Role.VIEWER)
    with pytest.raises(APIError):
        change(actor=late, name="Mine")
    assert Client().get("/settings/organization/").status_code == 302


SSO_POLICIES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"ssoProvider": "okta"}, {"ssoProvider": "This provider is not set up on this server."}),
    ({"ssoTenant": "acme.example"}, {"ssoTenant": "Choose the provider whose tenant this is."}),
    ({"ssoProvider": "google", "ssoTenant": "an id"}, {"ssoTenant": "Write the domain of the Google Work"}),
    ({"ssoProvider": "microsoft", "ssoTenant": "acme.example"}, {"ssoTenant": "Write the tenant's id, such"}),
    ({"ssoProvider": 7}, {"ssoProvider": "Not a valid string."}),
]


@pytest.fixture
def providers(settings: Any) -> None:
    keys = {"client_id": "x", "client_secret": "x"}
    settings.SINGLE_SIGN_ON = {"google": keys, "microsoft": keys | {"tenant": "common"}}


@pytest.mark.parametrize(("body", "problems"), SSO_POLICIES, ids=range(len(SSO_POLICIES)))
@pytest.mark.usefixtures("providers")
def test_a_provider_or_tenant_that_cannot_be_is_refused(
    api: APIClient, body: dict[str, Any], problems: dict[str, str]
) -> None:
    response = api.patch(ORGANIZATION, body)
    assert response.status_code == 400
    found = response.json()["fields"]
    assert found.keys() == problems.keys()
    assert all(found[name][0].startswith(start) for name, start in problems.items())


@pytest.mark.usefixtures("providers")
def test_provider_and_tenant_are_named_and_forgotten(api: APIClient, owner: Membership) -> None:
    wanted = {"ssoRequired": True, "ssoProvider": "google", "ssoTenant": "acme.example"}
    results = api.patch(ORGANIZATION, wanted).json()
    assert results | wanted == results == api.get(ORGANIZATION).json()
    cleared = {"ssoProvider": None, "ssoTenant": None}
    results = api.patch(ORGANIZATION, cleared).json()
    assert results | cleared == results
    assert changes(owner.organization, "organization.changed")[0]["sso_tenant"] == ["", "acme.example"]


@pytest.mark.usefixtures("providers")
def test_a_narrower_policy_ends_what_does_not_meet_it_for_good(api: APIClient, owner: Membership) -> None:
    member = make_person(owner.organization, Role.MEMBER)
    private = opened(member, proof=proven(Factor.PROVIDER, provider="google"))
    company = opened(
        member, proof=proven(Factor.PROVIDER, provider="google", tenant="acme.example", domain="acme.example")
    )
    api.patch(ORGANIZATION, {"ssoRequired": True})
    assert program(private.access_token).get(ORGANIZATION).status_code == 200
    api.patch(ORGANIZATION, {"emailDomains": ["acme.example"]})
    assert program(private.access_token).get(ORGANIZATION).status_code == 401
    assert program(company.access_token).get(ORGANIZATION).status_code == 200
    api.patch(ORGANIZATION, {"ssoRequired": False, "emailDomains": []})
    assert program(private.access_token).get(ORGANIZATION).status_code == 401
