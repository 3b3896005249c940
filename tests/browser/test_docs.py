"""The live documentation in a browser: it needs this host alone, and calls the API with a pasted token."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership
from tests.support.people import make_token

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scheme", "width"), [("dark", 375)])
def test_a_reader_can_try_a_call(
    new_page: Callable[..., Page], acme: Membership, scheme: str, width: int
) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto("/v1/auth/docs")
    page.locator("#operations-Identity-getAuthWhoami .opblock-summary").click()
    page.get_by_role("button", name="Authorize").first.click()
    bearer = page.locator(".auth-container").filter(has_text="bearer")
    bearer.locator("input").fill(make_token(acme, "Reader").plaintext)
    bearer.locator(".authorize").click()
    bearer.locator(".btn-done").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table")
    expect(answer).to_contain_text("Reader")
    expect(answer).to_contain_text("200")
    assert hosts == {urlsplit(page.url).netloc}
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
