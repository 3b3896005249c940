"""A rotation in a browser: one token that two programs use gets a new secret, and the old one ends."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.audit.models import AuditEvent
from accounts.models import Membership
from accounts.notifications import outbox
from accounts.permissions.roles import Role
from tests.browser.conftest import sign_in
from tests.browser.test_token_life import call
from tests.support.people import make_member, make_token, make_user
from tokens.notifications.dispatch import enqueue

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def secrets_table(page: Page) -> list[str]:
    return page.get_by_role("table", name="Calls with each secret").locator("tbody tr").all_inner_texts()


def test_an_admin_moves_two_programs_to_a_new_secret_and_is_warned_of_the_old_one(
    page: Page, acme: Membership
) -> None:
    old = make_token(acme, "orders-sync").plaintext
    admin = make_member(acme.organization, Role.ADMIN, make_user("grace@example.com"))
    sign_in(page, admin.user)
    page.get_by_role("link", name="orders-sync").click()
    assert [call(page, old).status for _ in range(2)] == [200, 200]

    page.get_by_role("link", name="Rotate", exact=True).press("Enter")
    expect(page.get_by_role("radio", name=re.compile("^After 24 hours"))).to_be_checked()
    page.get_by_role("radio", name=re.compile("^After 24 hours")).press("ArrowDown")
    expect(page.get_by_role("radio", name=re.compile("^After 7 days"))).to_be_checked()
    page.get_by_role("button", name="Rotate token").press("Enter")
    new = page.get_by_label("Your new token").input_value()
    page.get_by_role("link", name="Close without copying").press("Enter")
    expect(page.get_by_role("heading", name="orders-sync")).to_contain_text("Rotating")
    expect(page.get_by_text("Waiting for the first call with the new secret.")).to_be_visible()

    # One program has the new secret, the other one still calls with the old.
    assert [call(page, secret).status for secret in (old, new, new)] == [200, 200, 200]
    page.reload()
    expect(page.get_by_text("A program still uses the old secret.")).to_be_visible()
    assert [row.split()[2] for row in secrets_table(page)] == ["3", "2"]

    page.get_by_role("button", name="End overlap now").press("Enter")
    dialog = page.get_by_role("dialog", name="End the overlap now?")
    expect(dialog).to_contain_text("A program still uses the old secret.")
    dialog.get_by_role("button", name="End overlap").press("Enter")
    expect(page.get_by_text("The overlap has ended.")).to_be_visible()
    expect(page.get_by_role("heading", name="orders-sync")).to_contain_text("Active")

    assert [call(page, secret).status for secret in (old, old, new)] == [401, 401, 200]
    page.reload()
    alarm = page.get_by_text("was used 2 times after its overlap ended")
    expect(alarm).to_contain_text(f"…{old[-4:]}")
    [event] = AuditEvent.objects.filter(action="token.superseded_used")
    assert event.changes["lastFour"] == old[-4:]
    enqueue()
    outbox.deliver()
    subject = "An old secret of an API token was used: orders-sync"
    receivers = {receiver for message in mail.outbox if message.subject == subject for receiver in message.to}
    assert receivers == {acme.user.email, admin.user.email}


def test_a_rotation_is_cancelled_without_scripts(new_page: Callable[..., Page], acme: Membership) -> None:
    token = make_token(acme, "orders-sync")
    page = sign_in(new_page(java_script_enabled=False), acme.user)
    page.get_by_role("link", name="orders-sync").click()
    page.get_by_role("link", name="Rotate", exact=True).click()
    page.get_by_role("radio", name="30 minutes after the first use").check()
    page.get_by_role("button", name="Rotate token").click()
    new = page.get_by_label("Your new token").input_value()
    page.get_by_role("link", name="Close without copying").click()
    page.get_by_role("button", name="Cancel rotation").click()
    expect(page.get_by_text("The new secret has not been used yet, so no program stops.")).to_be_visible()
    page.get_by_role("button", name="Cancel rotation").click()
    expect(page.get_by_text("The rotation is cancelled.")).to_be_visible()
    assert [call(page, secret).status for secret in (token.plaintext, new)] == [200, 401]
