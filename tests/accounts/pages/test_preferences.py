"""The switches of every page's frame: the organization one works in, and the colour scheme."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import typeid
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import browser_of, fresh_browser_of, make_member, make_organization, make_token

ORGANIZATION = "/settings/switch-organization/"
THEME = "/settings/theme/"


@pytest.fixture
def second(owner: Membership) -> Membership:
    """The owner as a viewer of another organization."""
    return make_member(make_organization("Northwind"), Role.VIEWER, owner.user)


def test_one_organization_offers_nothing_to_switch_to(owner):
    html = browser_of(owner.user).get("/settings/members/").content.decode()
    assert owner.organization.name in html
    assert ORGANIZATION not in html


def test_switching_changes_what_every_page_shows(owner, second):
    make_token(owner, "of-the-first")
    browser = browser_of(owner.user)
    assert "of-the-first" in browser.get("/settings/tokens/").content.decode()
    response = browser.post(ORGANIZATION, {"organization": second.organization.public_id}, follow=True)
    assert response.redirect_chain == [("/settings/tokens/", 302)]
    html = response.content.decode()
    assert "A token acts for Northwind" in html
    assert "of-the-first" not in html


def test_the_role_of_the_chosen_organization_counts(owner, second):
    browser = fresh_browser_of(owner.user)
    assert browser.get("/settings/tokens/new/").status_code == 200
    browser.post(ORGANIZATION, {"organization": second.organization.public_id})
    assert browser.get("/settings/tokens/new/").status_code == 403


def test_a_token_of_the_other_organization_is_not_found(owner, second):
    token = make_token(owner).token
    browser = browser_of(owner.user)
    browser.post(ORGANIZATION, {"organization": second.organization.public_id})
    assert browser.get(f"/settings/tokens/{token.public_id}/").status_code == 404


def test_a_removed_member_falls_back_to_what_is_left(owner, second):
    browser = browser_of(owner.user)
    browser.post(ORGANIZATION, {"organization": second.organization.public_id})
    second.delete()
    assert owner.organization.name in browser.get("/settings/tokens/").content.decode()


@pytest.mark.parametrize("wanted", ["", "org_x", "\x00", "stranger", "unknown"])
def test_an_organization_one_is_not_in_is_not_found(owner, wanted):
    known = {"stranger": make_organization().public_id, "unknown": typeid.encode("org", typeid.new())}
    response = browser_of(owner.user).post(ORGANIZATION, {"organization": known.get(wanted, wanted)})
    assert response.status_code == 404


def test_the_colour_scheme_is_kept_without_signing_in(client, db):
    assert "data-theme" not in client.get("/accounts/login/").content.decode()
    response = client.post(THEME, {"theme": "dark", "next": "/accounts/login/"})
    assert response["Location"] == "/accounts/login/"
    assert response.cookies["theme"]["samesite"] == "Lax"
    assert '<html lang="en" data-theme="dark">' in client.get("/accounts/login/").content.decode()


def test_system_forgets_the_choice(client, db):
    client.post(THEME, {"theme": "dark"})
    client.post(THEME, {"theme": "system"})
    assert "data-theme" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\x00", ""]
)
def test_it_leads_to_no_other_host(client, db, where):
    assert client.post(THEME, {"theme": "dark", "next": where})["Location"] == "/"


def test_a_made_up_scheme_stays_out_of_the_page(client, db):
    client.cookies["theme"] = '"><script>'
    assert "data-theme" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("address", [ORGANIZATION, THEME])
def test_both_are_posts_of_our_own_forms(owner, address):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    assert browser.get(address).status_code == 405
    assert browser.post(address, {"theme": "dark"}).status_code == 403
