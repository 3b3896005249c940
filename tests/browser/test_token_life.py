"""From signing in to being refused, in a browser with a clipboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import APIResponse, Page, expect

from tests.browser.conftest import sign_in
from tests.support.people import make_token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WHOAMI = "/api/auth/whoami"


def call(page: Page, secret: str) -> APIResponse:
    return page.request.get(WHOAMI, headers={"Authorization": f"Bearer {secret}"})


def create(page: Page, name: str) -> str:
    """Create a token on the page and return its secret, the reveal page being open."""
    page.goto("/settings/tokens/new/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Expiration").select_option("30")
    page.get_by_role("checkbox", name="index:read:*").check()
    page.get_by_role("button", name="Create token").click()
    return page.get_by_label("Your new token").input_value()


def test_a_token_is_created_copied_used_revoked_and_refused(new_page, ada):
    page = sign_in(new_page(permissions=["clipboard-read", "clipboard-write"]), ada)
    page.get_by_role("link", name="Create token").click()
    secret = create(page, "ci-deploy")
    assert re.fullmatch(r"tsr_sa_[A-Za-z0-9]{43}", secret)
    page.get_by_role("button", name="Copy token").click()
    expect(
        page.get_by_role("status").filter(has_text="Copied. The token is on the clipboard.")
    ).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Never used").first).to_be_visible()

    answer = call(page, secret)
    assert answer.status == 200
    assert answer.json()["tokenName"] == "ci-deploy"
    assert answer.headers["x-ratelimit-remaining"] == "99"

    page.get_by_role("link", name="API tokens").first.click()
    row = page.get_by_role("row").filter(has_text="ci-deploy")
    expect(row).to_contain_text("just now")
    row.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog", name="Revoke “ci-deploy”?")
    expect(dialog).to_contain_text("127.0.0.1")
    dialog.get_by_label("Type ci-deploy to confirm").fill("ci-deploy")
    dialog.get_by_label("Reason").fill("Test is over")
    dialog.get_by_role("button", name="Revoke token").click()
    expect(page.get_by_text("Revoked “ci-deploy”.")).to_be_visible()

    refused = call(page, secret)
    assert refused.status == 401
    assert refused.json() == {"error": "API key has been revoked", "code": "token_revoked"}
    page.get_by_role("link", name=re.compile("^Revoked")).click()
    expect(page.get_by_role("row").filter(has_text="ci-deploy")).to_contain_text("Revoked")


def test_a_reload_leads_to_the_tokens_page_and_shows_no_secret(signed_in):
    page = signed_in
    secret = create(page, "ci-deploy")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_url("**/settings/tokens/tok_*/")
    expect(page.get_by_text("The secret was shown once.")).to_be_visible()
    assert secret not in page.content()
    page.goto("/settings/tokens/")
    expect(page.get_by_text("1 of 50 active")).to_be_visible()


def test_back_does_not_bring_the_secret_again(signed_in):
    page = signed_in
    secret = create(page, "ci-deploy")
    page.get_by_role("link", name="Close without copying").click()
    for move in (page.go_back, page.go_back, page.go_forward, page.reload):
        move()
        assert secret not in page.content()
    page.wait_for_url("**/settings/tokens/tok_*/")
    expect(page.get_by_role("heading", name="ci-deploy")).to_be_visible()


def test_leaving_without_copying_is_asked_about(signed_in):
    page = signed_in
    create(page, "ci-deploy")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Members").click()
    assert asked == ["beforeunload"]
    expect(page.get_by_label("Your new token")).to_be_visible()


@pytest.mark.parametrize("way", ["Close without copying", "Copy token"])
def test_leaving_is_not_asked_about_after_either_button(new_page, ada, way):
    page = sign_in(new_page(permissions=["clipboard-read", "clipboard-write"]), ada)
    create(page, "ci-deploy")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_text(way, exact=True).click()
    page.get_by_role("link", name="Members").click()
    page.wait_for_url("**/settings/members/")
    assert asked == []


def test_a_pasted_token_leads_to_its_page_and_stays_out_of_the_address(signed_in, acme):
    page, issued = signed_in, make_token(acme, "ci-deploy")
    page.reload()
    page.get_by_role("searchbox").fill(issued.plaintext)
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", name="ci-deploy")).to_be_visible()
    assert page.url.endswith(f"/settings/tokens/{issued.token.public_id}/")
    assert issued.plaintext not in page.content()


def test_the_sentence_follows_what_is_ticked_as_the_server_would_say_it(signed_in):
    page = signed_in
    page.goto("/settings/tokens/new/")
    page.get_by_role("button", name="CI", exact=True).click()
    page.get_by_role("checkbox", name="events:read:*").uncheck()
    page.locator("[id='o-index:read:*']").fill("41 42")
    said = page.locator("[data-sentence]").inner_text()
    assert "read indexes (only 41, 42)" in said
    page.locator("form[data-create]").evaluate("form => { form.noValidate = true; }")
    page.get_by_label("Name").fill("")
    with page.expect_response("**/settings/tokens/new/") as answered:
        page.get_by_role("button", name="Create token").click()
    assert f">{said}</p>" in answered.value.text()


def test_the_page_of_the_secret_waits_for_the_first_call(signed_in):
    page = signed_in
    page.clock.install()
    secret = create(page, "ci-deploy")
    note = page.locator("[data-first-call]")
    expect(note).to_have_text("Waiting for the first call…")
    page.clock.run_for(3_500)
    expect(note).to_have_text("Waiting for the first call…")
    call(page, secret)
    page.clock.run_for(3_500)
    expect(note).to_have_text("The first call came from 127.0.0.1.")


def test_find_narrows_the_picker_down(signed_in):
    page = signed_in
    page.goto("/settings/tokens/new/")
    page.get_by_label("Find a permission").fill("inventory change")
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(1)
    expect(boxes).to_have_accessible_name("inventoryPlans.manage")


def test_the_page_of_the_secret_starts_at_its_button_with_the_way_out_in_sight(new_page, ada):
    page = new_page(
        permissions=["clipboard-read", "clipboard-write"], viewport={"width": 1280, "height": 600}
    )
    create(sign_in(page, ada), "ci-deploy")
    button = page.locator("[data-copy=secret]")
    expect(button).to_be_focused()
    expect(page.get_by_role("link", name="Close without copying")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    expect(button).to_have_text("Copy token")


def test_a_level_ticks_the_boxes_of_its_resource_and_follows_them(signed_in):
    page = signed_in
    page.goto("/settings/tokens/new/")
    levels = page.get_by_role("group", name="Level of Indexes")
    reading, writing = (page.get_by_role("checkbox", name=f"index:{verb}:*") for verb in ("read", "write"))
    expect(levels.get_by_role("button", name="None")).to_have_attribute("aria-pressed", "true")
    levels.get_by_role("button", name="Read").click()
    expect(reading).to_be_checked()
    expect(writing).not_to_be_checked()
    expect(page.get_by_text("This token can read indexes, and nothing else.")).to_be_visible()
    writing.check()
    expect(levels.get_by_role("button", name="Write")).to_have_attribute("aria-pressed", "true")
    reading.uncheck()
    expect(levels.locator("[aria-pressed=true]")).to_have_count(0)


def test_the_companys_own_permissions_come_first(signed_in):
    page = signed_in
    page.goto("/settings/tokens/new/")
    order = page.locator("[data-picker] legend").all_inner_texts()
    assert order.index("Indexes") < order.index("API tokens")
