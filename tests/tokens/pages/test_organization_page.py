"""Settings → Organization: what it shows to whom, what it changes, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Membership, Organization
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import (
    browser_of,
    fresh_browser_of,
    make_member,
    make_organization,
    make_plan,
    make_token,
)
from tests.support.sessions import login, make_person
from tests.support.team import changes
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
URL = "/settings/organization/"
POLICIES = f"{URL}policies/"
ACTS = ("rename", "policies", "metadata", "rotate-key", "revoke-all", "delete")
GOOD: dict[str, str] = {"never_expiring_allowed": "on", "email_domains": ""}


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


def html(browser: Client) -> str:
    response = browser.get(URL)
    assert response.status_code == 200
    return response.content.decode()


def organization() -> Organization:
    return Organization.objects.get()


def figure(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt><dd[^>]*>([^<]*)</dd>", page)
    assert found is not None, label
    return found[1].replace(",", "")


def test_the_day_is_told_in_the_numbers_of_the_headers(owner: Membership, browser: Client) -> None:
    Organization.objects.update(requests_per_day=2_500)
    make_organization(plan=make_plan("other", 5))
    caller = program(make_token(owner))
    for _ in range(3):
        headers = caller.get("/api/auth/whoami").headers
    page = html(browser)
    limit, remaining = headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]
    assert figure(page, "Requests a day") == limit == "2500"
    assert figure(page, "Remaining") == remaining == "2497"
    assert figure(page, "Used today") == "3"
    assert "T00:00:00Z" in page
    assert 'href="/settings/usage/"' in page


def test_an_unlimited_plan_has_nothing_remaining(owner: Membership, browser: Client) -> None:
    Organization.objects.update(plan=make_plan("enterprise", None))
    page = html(browser)
    assert figure(page, "Requests a day") == "Unlimited"
    assert "Remaining" not in page


def test_a_spent_day_says_that_requests_are_refused(
    owner: Membership, issued: Issued, browser: Client
) -> None:
    Organization.objects.update(requests_per_day=1)
    for _ in range(2):
        program(issued).get("/api/auth/whoami")
    assert "The day is used up: requests are refused with status 429" in html(browser)


def test_it_is_renamed_and_the_log_says_so(browser: Client) -> None:
    before = organization().name
    assert browser.post(f"{URL}rename/", {"name": " Kettles & Co "})["Location"] == URL
    assert organization().name == "Kettles & Co"
    assert changes(organization(), "organization.changed") == [{"name": [before, "Kettles & Co"]}]
    assert "Kettles &amp; Co" in html(browser)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\u202eb", "See www.evil.example", "a\nb"])
def test_a_name_that_is_none_is_refused_beside_its_field(browser: Client, name: str) -> None:
    before = organization().name
    response = browser.post(f"{URL}rename/", {"name": name})
    assert response.status_code == 422
    assert 'id="name-errors"' in response.content.decode()
    assert organization().name == before


def test_the_key_is_shown_and_rotated_and_the_old_one_names_nothing_at_once() -> None:
    ada = make_person(email="ada@example.com")
    make_member(user=ada.user)
    key = ada.organization.publishable_key
    browser = fresh_browser_of(ada.user)
    assert f'<code id="publishable-key" class="key">{key}</code>' in html(browser)
    assert password_grant(key).status_code == 200

    assert "The previous key no longer works" in browser.get(f"{URL}rotate-key/").content.decode()
    assert browser.post(f"{URL}rotate-key/")["Location"] == URL

    new = Organization.objects.get(pk=ada.organization_id).publishable_key
    assert (password_grant(key).status_code, password_grant(new).status_code) == (401, 200)
    [results] = changes(ada.organization, "organization.key_rotated")
    assert results == {"publishable_key": [f"…{key[-4:]}", f"…{new[-4:]}"]}


def password_grant(key: str) -> Any:
    body = {"email": "ada@example.com", "password": "a-long-enough-passphrase"}
    path = "/auth/v1/token?grant_type=password"
    return Client().post(path, body, content_type="application/json", headers={"apikey": key})


def test_policies_are_saved_together_and_told_before_and_after(browser: Client) -> None:
    form = {
        "longest_token_days": "30",
        "email_domains": " Acme.example\r\n@acme.test, acme.example",
        "leaked_tokens": "notify",
        "unused_tokens_revoked_after_days": "90",
    }
    assert browser.post(POLICIES, form)["Location"] == URL
    found = organization()
    assert (found.longest_token_days, found.never_expiring_allowed) == (30, False)
    assert found.email_domains == ["acme.example", "acme.test"]
    assert changes(found, "organization.changed") == [
        {
            "longest_token_days": [None, 30],
            "never_expiring_allowed": [True, False],
            "email_domains": [[], ["acme.example", "acme.test"]],
            "leaked_tokens": ["revoke", "notify"],
            "unused_tokens_revoked_after_days": [None, 90],
        }
    ]
    assert browser.post(POLICIES, GOOD)["Location"] == URL
    assert organization().longest_token_days is None
    # A form without the field, from an earlier version, must not weaken the policy.
    assert organization().leaked_tokens == "revoke"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("longest_token_days", "0", "whole number of days"),
        ("longest_token_days", "366", "whole number of days"),
        ("longest_token_days", "soon", "whole number of days"),
        ("unused_tokens_revoked_after_days", "29", "whole number of days from 30 to 365"),
        ("leaked_tokens", "ignore", "is not one of the available choices"),
        ("email_domains", "ada@acme.example", "“ada@acme.example” is no domain"),
        ("email_domains", "localhost", "“localhost” is no domain"),
        ("email_domains", " ".join(f"d{n}.example" for n in range(51)), "at most 50 domains"),
        ("sso_required", "on", "No sign-in provider is set up"),
        ("mfa_required", "on", "Set up your own second factor first"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_and_what_was_written_stays(
    browser: Client, field: str, value: str, sentence: str
) -> None:
    response = browser.post(POLICIES, GOOD | {"email_domains": "kept.example"} | {field: value})
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert "kept.example" in page or field == "email_domains"
    assert not AuditEvent.objects.filter(action="organization.changed").exists()


def test_a_repeat_changes_nothing_and_is_not_told_twice(browser: Client) -> None:
    for _ in range(2):
        browser.post(POLICIES, GOOD | {"longest_token_days": "30"})
    assert len(changes(organization(), "organization.changed")) == 1


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_look_and_are_told_why_they_may_not_change(owner: Membership, role: Role) -> None:
    Organization.objects.update(longest_token_days=7, email_domains=["acme.example"])
    browser = browser_of(make_member(owner.organization, role).user)
    page = html(browser)
    assert f"As {role} you can look at the organization." in page
    assert "7 days" in page
    assert "acme.example" in page
    assert '<form method="post" action="/settings/organization' not in page
    assert page.count('disabled aria-describedby="why-not"') == 4
    assert {browser.post(f"{URL}{act}/").status_code for act in ACTS} == {403}


def test_an_admin_changes_it_and_leaves_the_deletion_to_owners(owner: Membership) -> None:
    browser = fresh_browser_of(make_member(owner.organization, Role.ADMIN).user)
    page = html(browser)
    assert "Save policies" in page
    assert 'disabled aria-describedby="why-owner"' in page
    assert browser.get(f"{URL}delete/").status_code == 403
    assert browser.get(f"{URL}revoke-all/").status_code == 200


def test_strangers_neither_see_nor_change_it(owner: Membership) -> None:
    stranger = fresh_browser_of(make_member().user)
    assert owner.organization.name not in html(stranger)
    stranger.post(f"{URL}rename/", {"name": "Mine"})
    owner.organization.refresh_from_db()
    assert owner.organization.name != "Mine"


@pytest.mark.parametrize("act", ["policies", "rotate-key", "revoke-all", "delete"])
def test_what_is_dangerous_asks_again_who_it_is(owner: Membership, act: str) -> None:
    response = browser_of(owner.user).post(f"{URL}{act}/", GOOD | {"typed": owner.organization.name})
    assert response["Location"].startswith("/accounts/reauthenticate/")
    assert organization().publishable_key == owner.organization.publishable_key


def test_everything_is_revoked_by_the_typed_name_and_shown_before(owner: Membership, issued: Issued) -> None:
    ada = make_person(owner.organization, Role.ADMIN, "ada@example.com")
    session = login("ada@example.com").json()["access_token"]
    program(issued).get("/api/auth/whoami")
    browser = fresh_browser_of(ada.user)
    page = browser.get(f"{URL}revoke-all/").content.decode()
    for stopping in ("API tokens", "API sessions"):
        assert figure(page, stopping) == "1"
    assert "<strong>1 call in 24 hours, 1 in 7 days</strong>" in page

    assert browser.post(f"{URL}revoke-all/", {"typed": "something else"}).status_code == 422
    assert program(session).get("/api/auth/whoami").status_code == 200
    assert browser.post(f"{URL}revoke-all/", {"typed": owner.organization.name})["Location"] == URL
    for bearer in (session, issued.plaintext):
        assert program(bearer).get("/api/auth/whoami").json()["code"] == "token_revoked"
    page = html(browser)
    assert "Everything is revoked. API tokens: 1, client secrets: 0, client grants: 0," in page
    assert "API sessions: 1, invitations: 0." in page


def test_the_provider_of_single_sign_on_is_named(browser: Client, settings: Any) -> None:
    settings.SINGLE_SIGN_ON = {"google": {"client_id": "x", "client_secret": "x"}}
    form = GOOD | {"sso_required": "on", "sso_provider": "google", "sso_tenant": "acme.example"}
    assert browser.post(POLICIES, form).status_code == 302
    page = browser.get("/settings/organization/").content.decode()
    assert '<option value="google" selected>Google</option>' in page
    assert 'value="acme.example"' in page
    refused = browser.post(POLICIES, form | {"sso_tenant": "no domain"})
    assert (refused.status_code, b"domain of the Google Workspace" in refused.content) == (422, True)


def test_a_provider_that_is_not_set_up_any_more_stays_named(browser: Client) -> None:
    Organization.objects.update(sso_required=True, sso_provider="google")
    page = browser.get("/settings/organization/").content.decode()
    assert '<option value="google" selected>google (not set up)</option>' in page


def test_metadata_is_shown_and_saved(browser: Client, owner: Membership) -> None:
    rows = {"metadata_name": ["region", "", "tier"], "metadata_value": ["eu", "", ""]}
    assert browser.post(f"{URL}metadata/", rows).status_code == 302
    assert organization().metadata == {"region": "eu", "tier": ""}
    assert 'value="region"' in html(browser)
    viewer = browser_of(make_member(owner.organization, Role.VIEWER).user)
    assert "<dt><code>region</code></dt><dd>eu</dd>" in html(viewer)


def test_wrong_metadata_is_shown_again(browser: Client) -> None:
    answer = browser.post(f"{URL}metadata/", {"metadata_name": ["a b"], "metadata_value": ["kept"]})
    assert answer.status_code == 422
    assert "“a b” is not a name." in answer.content.decode()
    assert 'value="kept"' in answer.content.decode()
    assert organization().metadata == {}
