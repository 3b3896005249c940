"""The pages of tokens, the list's menus, the dialog and the reveal page, under every rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership
from tests.browser.conftest import sign_in
from tests.browser.walk.conftest import KeepRules
from tests.browser.walk.furnishing import furnish
from tests.browser.walk.rules import CLOSE_MENUS
from tests.browser.walk.visits import visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TOKENS = "/settings/tokens/"
# The menus of organizations, the account, the filters and the first row.
MENUS = 4


def walk(page: Page, acme: Membership) -> Iterator[str]:
    sign_in(page, acme.user)
    yield "an empty list"
    yield from visit(page, (address for address in furnish(acme) if address.startswith(TOKENS)))
    page.goto(TOKENS)
    yield from states_of_the_list(page)
    page.goto(f"{TOKENS}new/?permission=usage.view&name=walk")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_label("Your new token")).to_be_visible()
    yield "the reveal page"
    page.get_by_role("link", name="Close without copying").click()


def states_of_the_list(page: Page) -> Iterator[str]:
    for number in range(MENUS):
        page.locator(".menu > summary").nth(number).click()
        yield f"menu {number}"
        page.evaluate(CLOSE_MENUS)
    row = page.get_by_role("row").filter(has_text="soon")
    row.get_by_role("checkbox").check()
    yield "a ticked token"
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "the dialog"


def test_no_page_of_tokens_breaks_a_rule(keep_rules: KeepRules, page: Page, acme: Membership) -> None:
    keep_rules(walk(page, acme))
