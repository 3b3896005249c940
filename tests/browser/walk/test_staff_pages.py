"""The admin and a support session, under the rules that Django's own pages can keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import Membership
from tests.browser.conftest import sign_in
from tests.browser.walk.conftest import KeepRules
from tests.browser.walk.furnishing import furnish
from tests.browser.walk.rules import NOTHING_KEPT, RULES, SMALL, WIDE
from tests.support.people import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The admin is Django's own: it is for a large window and a pointer, and keeps the colours in the browser.
STAFF_RULES = [rule for rule in RULES if rule not in (WIDE, SMALL, NOTHING_KEPT)]


def addresses() -> Iterator[str]:
    """The admin's home, and each list with its first row."""
    yield "/admin/"
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        if (first := model._default_manager.first()) is not None:
            yield reverse(f"{name}_change", args=[first.pk])
    yield reverse("admin:accounts_organization_add")


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


def walk(page: Page, acme: Membership) -> Iterator[str]:
    furnish(acme)
    sign_in(page, make_user(is_staff=True, is_superuser=True))
    for address in addresses():
        page.goto(address)
        yield address
    yield from support_session(page, acme)


def test_no_page_of_staff_breaks_a_rule(keep_rules: KeepRules, page: Page, acme: Membership) -> None:
    keep_rules(walk(page, acme), STAFF_RULES)
