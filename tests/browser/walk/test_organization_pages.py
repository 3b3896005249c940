"""The pages of programs, members, the organization, usage, the audit log and a person, under every rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from accounts.models import Membership
from tests.browser.conftest import sign_in
from tests.browser.walk.conftest import KeepRules
from tests.browser.walk.furnishing import furnish
from tests.browser.walk.test_token_pages import TOKENS
from tests.browser.walk.visits import visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def walk(page: Page, acme: Membership) -> Iterator[str]:
    sign_in(page, acme.user)
    yield from visit(page, (address for address in furnish(acme) if not address.startswith(TOKENS)))


def test_no_page_of_an_organization_breaks_a_rule(
    keep_rules: KeepRules, page: Page, acme: Membership
) -> None:
    keep_rules(walk(page, acme))
