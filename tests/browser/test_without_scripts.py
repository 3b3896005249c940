"""The same path with JavaScript switched off: only copying needs it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import sign_in
from tests.browser.test_token_life import call, create
from tests.support.people import make_member, make_organization, make_token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(new_page, ada):
    return sign_in(new_page(java_script_enabled=False), ada)


def test_a_token_is_created_used_revoked_and_refused(page):
    secret = create(page, "ci-deploy")
    expect(page.get_by_role("button", name="Copy token")).to_be_hidden()
    assert call(page, secret).status == 200
    page.get_by_role("link", name="Close without copying").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Revoke…").click()
    expect(page.get_by_role("heading", name="Revoke “ci-deploy”?")).to_be_visible()
    page.get_by_label("Type ci-deploy to confirm").fill("ci-deploy")
    page.get_by_role("button", name="Revoke token").click()
    expect(page.get_by_text("Revoked “ci-deploy”.")).to_be_visible()
    assert call(page, secret).status == 401


def test_the_choice_of_an_expiry_shows_its_date_or_its_warning(page):
    page.goto("/settings/tokens/new/")
    field = page.get_by_label("Expiration")
    expect(page.locator("[data-for='90']")).to_be_visible()
    field.select_option("never")
    expect(page.get_by_text("works until it is revoked")).to_be_visible()
    expect(page.locator("[data-for='90']")).to_be_hidden()
    field.select_option("custom")
    expect(page.get_by_label("Custom date")).to_be_visible()


def test_ticked_rows_are_reviewed_and_revoked(page, acme):
    make_token(acme, "first")
    make_token(acme, "second")
    page.goto("/settings/tokens/")
    review = page.get_by_role("button", name="Review and revoke")
    expect(review).to_be_hidden()
    page.get_by_label("Tick first").check()
    page.get_by_label("Tick second").check()
    review.click()
    page.get_by_role("button", name="Revoke 2 tokens").click()
    expect(page.get_by_text("Revoked 2 tokens.")).to_be_visible()


def test_organization_and_colour_scheme_are_switched(page, ada):
    make_member(make_organization("Northwind"), user=ada)
    page.goto("/settings/members/")
    page.locator(".organizations summary").click()
    page.get_by_role("button", name="Northwind").click()
    expect(page.get_by_text("A token acts for Northwind")).to_be_visible()
    page.locator(".account summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_preset_keeps_the_typed_name(page):
    page.goto("/settings/tokens/new/")
    page.get_by_label("Name").fill("orders-sync")
    page.get_by_role("button", name="Read-only").click()
    expect(page.get_by_label("Name")).to_have_value("orders-sync")
    expect(page.get_by_role("checkbox", name="index:read:*")).to_be_checked()
