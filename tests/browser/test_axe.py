"""axe-core over the pages in both colour schemes: WCAG 2.2 A and AA, and its best practices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership
from tests.browser import test_account_pages
from tests.browser.conftest import sign_in
from tests.browser.test_walk import furnish, walk
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

# The menus of organizations, the account, the filters and the first row.
MENUS = 4

Violations = list[tuple[str, list[str]]]
Pages = Callable[[Page, Membership], Iterator[str]]


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


def organization_pages(page: Page, acme: Membership) -> Iterator[str]:
    for where in walk(page, acme):
        page.evaluate("document.querySelectorAll('.menu').forEach(menu => { menu.open = false; })")
        yield where
    page.goto("/settings/tokens/")
    page.get_by_role("row").filter(has_text="soon").get_by_role("checkbox").check()
    yield "a ticked token"
    for number in range(MENUS):
        page.goto("/settings/tokens/")
        page.locator(".menu > summary").nth(number).click()
        yield f"menu {number}"


def pages_of_an_account(page: Page, acme: Membership) -> Iterator[str]:
    yield from test_account_pages.walk(page, acme.user)


def staff_pages(page: Page, acme: Membership) -> Iterator[str]:
    """The admin's home, and each list with its first row."""
    furnish(acme)
    sign_in(page, make_user(is_staff=True, is_superuser=True))
    page.goto("/admin/")
    yield "/admin/"
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses = [reverse(f"{name}_changelist")]
        if (first := model._default_manager.first()) is not None:
            addresses.append(reverse(f"{name}_change", args=[first.pk]))
        for address in addresses:
            page.goto(address)
            yield address
    page.goto(reverse("admin:accounts_organization_add"))
    yield "a new organization"
    yield from support_session(page, acme)


def support_session(page: Page, acme: Membership) -> Iterator[str]:
    page.goto(reverse("admin:accounts_organization_change", args=[acme.organization_id]))
    page.get_by_role("button", name="Support session").click()
    yield "the reason of a support session"
    page.get_by_label("Reason").fill("Asked for by the owner")
    page.get_by_role("button", name="Get the link").click()
    page.get_by_role("link", name="Open the settings").click()
    yield "a support session"
    page.goto("/admin/")
    yield "the admin in a support session"


def documentation(page: Page, acme: Membership) -> Iterator[str]:
    page.goto("/v1/auth/docs")
    operation = page.locator("#operations-Identity-getAuthWhoami")
    expect(operation).to_be_visible()
    yield "the documentation"
    operation.locator(".opblock-summary").click()
    expect(operation.locator(".opblock-body")).to_be_visible()
    yield "an operation of the documentation"


@pytest.mark.parametrize(
    "pages",
    [organization_pages, pages_of_an_account, staff_pages, documentation],
    ids=lambda pages: pages.__name__,
)
def test_no_page_breaks_a_rule_of_axe(
    new_page: Callable[..., Page],
    acme: Membership,
    axe: str,
    pages: Pages,
    live_server: LiveServer,
    settings: Settings,
) -> None:
    settings.BASE_URL = live_server.url
    page = new_page(reduced_motion="reduce")
    assert broken(page, axe, pages(page, acme)) == {}


@pytest.mark.urls("tests.config.edge_urls")
def test_no_error_page_breaks_a_rule_of_axe(
    new_page: Callable[..., Page], acme: Membership, axe: str
) -> None:
    page = new_page(reduced_motion="reduce")
    assert broken(page, axe, error_pages(page)) == {}


def error_pages(page: Page) -> Iterator[str]:
    for name in ("suspicious", "denied", "missing", "fault", "database"):
        page.goto(f"/page/raise/{name}")
        yield name


def broken(page: Page, axe: str, states: Iterator[str]) -> dict[str, dict[str, Violations]]:
    return {where: found for where in states if (found := violations(page, axe))}
