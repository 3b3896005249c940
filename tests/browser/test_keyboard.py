"""The whole path without a pointer: every stop is reached by Tab and used by Enter or Space."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.support.people import PASSWORD, make_token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_STOPS = 120


def tab_to(page: Page, name: str, role: str) -> None:
    """Press Tab until the focus is on what has this role and accessible name."""
    tab_onto(page, page.get_by_role(role, name=name, exact=True).first)


def tab_onto(page: Page, wanted: Locator) -> None:
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.count() and wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"No Tab leads to {wanted}")


def test_a_token_is_made_and_revoked_by_keys_alone(page, ada):
    page.goto("/accounts/login/")
    page.keyboard.type(ada.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/tokens/")
    tab_to(page, "Create token", "link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/tokens/new/")
    tab_to(page, "Name", "textbox")
    page.keyboard.press("Control+A")
    page.keyboard.type("by-keys")
    tab_to(page, "usage.view", "checkbox")
    page.keyboard.press("Space")
    tab_to(page, "Create token", "button")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your new token")).to_be_visible()
    tab_to(page, "Close without copying", "link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/tokens/tok_*/")
    tab_onto(page, page.get_by_text("More", exact=True))
    page.keyboard.press("Enter")
    tab_to(page, "Revoke…", "button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "Revoke token", "button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Revoked “by-keys”.")).to_be_visible()


def test_the_dialog_holds_the_focus_and_gives_it_back(signed_in, acme):
    page = signed_in
    make_token(acme, "ci-deploy")
    page.reload()
    button = page.get_by_role("button", name="Revoke")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_a_dialog_opened_by_a_menu_gives_the_focus_to_the_menu(signed_in, acme):
    page = signed_in
    page.goto(f"/settings/tokens/{make_token(acme).token.public_id}/")
    summary = page.locator(".overflow summary")
    summary.press("Enter")
    page.get_by_role("button", name="Revoke…").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(summary).to_be_focused()


def test_a_token_in_use_is_revoked_by_its_name_and_enter(signed_in, acme):
    page, issued = signed_in, make_token(acme, "ci-deploy")
    page.request.get("/api/auth/whoami", headers={"Authorization": f"Bearer {issued.plaintext}"})
    page.reload()
    page.get_by_role("button", name="Revoke").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Type ci-deploy to confirm")).to_be_focused()
    page.keyboard.type("ci-deploy")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Refused everywhere since")).to_be_visible()


def test_cancel_closes_the_dialog_and_changes_nothing(signed_in, acme):
    page, issued = signed_in, make_token(acme, "ci-deploy")
    page.reload()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    issued.token.refresh_from_db()
    assert issued.token.revoked_at is None


def test_a_menu_closes_on_escape_and_gives_the_focus_back(signed_in):
    page = signed_in
    summary = page.locator(".account summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(summary).to_be_focused()


def test_an_event_of_the_audit_log_opens_in_place_by_keys_and_leads_to_its_token(signed_in, acme):
    page, token = signed_in, make_token(acme, "ci-deploy").token
    page.goto("/settings/audit-log/?kind=tokens")
    line = page.locator(".event > summary").filter(has_text="Created an API token")
    tab_onto(page, line)
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="ci-deploy")
    expect(link).to_be_visible()
    tab_onto(page, link)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/settings/tokens/{token.public_id}/")


def test_the_first_stop_skips_to_the_content(signed_in):
    page = signed_in
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


HIDDEN = """() => {
  const bar = document.querySelector(".closing").getBoundingClientRect();
  const focused = document.activeElement;
  if (focused.closest(".closing")) return "";
  const box = focused.getBoundingClientRect();
  return box.bottom > bar.top + 1 ? focused.id : "";
}"""


def test_the_bar_below_the_form_hides_no_focus(new_page, ada):
    page = sign_in(new_page(viewport={"width": 1280, "height": 700}), ada)
    page.goto("/settings/tokens/new/?preset=full")
    hidden = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        hidden += filter(None, [page.evaluate(HIDDEN)])
        if page.evaluate("!!document.activeElement.closest('.closing .actions')"):
            break
    else:
        raise AssertionError("No Tab leads to the bar")
    assert hidden == []
