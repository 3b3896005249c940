"""The documentation and the error pages, under every rule that they can keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.walk.conftest import KeepRules
from tests.browser.walk.rules import ANSWERED, RULES, SMALL

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ERRORS = [f"/page/raise/{name}" for name in ("suspicious", "denied", "missing", "fault", "database")]


def documentation(page: Page) -> Iterator[str]:
    page.goto("/v1/auth/docs")
    operation = page.locator("#operations-Identity-getAuthWhoami")
    expect(operation).to_be_visible()
    yield "the documentation"
    operation.locator(".opblock-summary").click()
    expect(operation.locator(".opblock-body")).to_be_visible()
    yield "an operation of the documentation"


def errors(page: Page) -> Iterator[str]:
    for address in ERRORS:
        page.goto(address)
        yield address


def test_the_documentation_breaks_no_rule(keep_rules: KeepRules, page: Page) -> None:
    keep_rules(documentation(page), [rule for rule in RULES if rule != SMALL])


@pytest.mark.urls("tests.config.edge_urls")
def test_no_error_page_breaks_a_rule(keep_rules: KeepRules, page: Page) -> None:
    keep_rules(errors(page), [rule for rule in RULES if rule != ANSWERED])
