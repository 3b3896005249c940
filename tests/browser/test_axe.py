"""axe-core over the pages in both colour schemes: WCAG 2.2 A and AA, and its best practices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership
from tests.browser.conftest import sign_in
from tests.browser.test_walk import walk
from tests.support.npm_packages import folder
from tests.support.people import make_user

__all__ = ["folder"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
# axe-core leaves these out unless they are named.
NAMED = ["target-size", "label-content-name-mismatch"]
EVERY_RULE = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {name: {"enabled": True} for name in NAMED},
}
CONTRAST = {"runOnly": ["color-contrast"]}
# The policy of the pages allows no copies of stylesheets, and so axe-core is not to preload any. An open menu
# is examined alone, because it covers targets of the page, which axe-core would call too small.
RUN = """async options => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const within = document.querySelector(".menu[open]") ?? document;
  const { violations } = await axe.run(within, { ...options, preload: false, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
}"""

Violations = list[tuple[str, list[str]]]


@pytest.fixture(scope="session")
def axe(folder: Path) -> str:
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page, axe: str) -> dict[str, Violations]:
    """Of every rule in light, and of contrast, which alone depends on the scheme, in dark as well."""
    # Evaluated, because the policy of the pages allows no such script.
    page.evaluate(f"() => {{ {axe} }}")
    return in_scheme(page, "light", EVERY_RULE) | in_scheme(page, "dark", CONTRAST)


def in_scheme(page: Page, scheme: Any, options: dict[str, Any]) -> dict[str, Violations]:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found: Violations = page.evaluate(RUN, options)
    return {scheme: found} if found else {}


def settings(page: Page, acme: Membership) -> Iterator[str]:
    for where in walk(page, acme):
        page.evaluate("document.querySelectorAll('.menu').forEach(menu => { menu.open = false; })")
        yield where
    page.goto("/settings/tokens/")
    page.get_by_role("row").filter(has_text="soon").get_by_role("checkbox").check()
    yield "a ticked token"
    for number in range(page.locator(".menu").count()):
        page.goto("/settings/security/")
        page.locator(".menu > summary").nth(number).click()
        yield f"menu {number}"


def staff(page: Page, acme: Membership) -> Iterator[str]:
    page.context.clear_cookies()
    sign_in(page, make_user(is_staff=True, is_superuser=True))
    organization = f"/admin/accounts/organization/{acme.organization_id}/change/"
    add = "/admin/accounts/organization/add/"
    for address in ("/admin/", organization, add, "/admin/tokens/serviceaccounttoken/"):
        page.goto(address)
        yield address
    page.goto(organization)
    page.get_by_role("button", name="Support session").click()
    yield "the reason of a support session"
    page.get_by_label("Reason").fill("Asked for by the owner")
    page.get_by_role("button", name="Get the link").click()
    page.get_by_role("link", name="Open the settings").click()
    yield "a support session"
    page.goto("/admin/")
    yield "the admin in a support session"


def documentation(page: Page) -> Iterator[str]:
    page.goto("/v1/auth/docs")
    operation = page.locator("#operations-Identity-getAuthWhoami")
    expect(operation).to_be_visible()
    yield "the documentation"
    operation.locator(".opblock-summary").click()
    expect(operation.locator(".opblock-body")).to_be_visible()
    yield "an operation of the documentation"


def test_no_page_breaks_a_rule_of_axe(new_page: Callable[..., Page], acme: Membership, axe: str) -> None:
    page = new_page(reduced_motion="reduce")
    found = {}
    for states in (settings(page, acme), staff(page, acme), documentation(page)):
        for where in states:
            if broken := violations(page, axe):
                found[where] = broken
    assert found == {}
