"""The token list on a phone, its filters without JavaScript, and the menu of a row."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, User
from tests.browser.conftest import sign_in
from tests.support.people import make_token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 375, "height": 812}


def test_on_a_phone_the_first_token_is_in_the_upper_half(
    new_page: Callable[..., Page], acme: Membership
) -> None:
    make_token(acme, "ci-deploy")
    page = sign_in(new_page(viewport=PHONE), acme.user)
    first = page.get_by_role("link", name="ci-deploy").bounding_box()
    assert first is not None
    assert first["y"] < PHONE["height"] / 2


def test_on_a_phone_one_control_opens_search_filters_and_order(
    new_page: Callable[..., Page], acme: Membership
) -> None:
    make_token(acme, "ci-deploy")
    make_token(acme, "terraform", ["*:*:*"])
    page = sign_in(new_page(viewport=PHONE), acme.user)
    query, broad = page.get_by_role("searchbox"), page.get_by_role("checkbox", name="Broad")
    expect(query).to_be_hidden()
    page.locator(".list-finder > summary").click()
    query.fill("o")
    broad.check()
    page.get_by_label("Sort by").select_option("Name, A to Z")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/settings/tokens/?q=o&only=broad&sort=name")
    expect(page.get_by_role("row")).to_have_count(1)
    page.get_by_role("link", name="Remove the filter Broad").click()
    expect(page.get_by_role("row")).to_have_count(2)


def test_without_javascript_the_list_is_filtered_and_a_row_paused(
    new_page: Callable[..., Page], acme: Membership, ada: User
) -> None:
    make_token(acme, "ci-deploy")
    make_token(acme, "terraform", expires_in_days=None)
    page = sign_in(new_page(java_script_enabled=False), ada)
    page.locator(".list-finder > summary").click()
    page.get_by_role("checkbox", name="No expiry").check()
    page.get_by_role("button", name="Apply").click()
    row = page.get_by_role("row").filter(has_text="terraform")
    expect(page.get_by_role("row").filter(has_text="ci-deploy")).to_have_count(0)
    row.locator("summary").click()
    expect(row.get_by_role("button", name="Revoke")).to_be_visible()
    row.get_by_role("button", name="Pause…").click()
    expect(page.get_by_role("heading", name="Pause “terraform”?")).to_be_visible()
