"""The life of an OAuth client in a browser: made, its secret copied, used, rotated, deleted."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def token(live_server: LiveServer, client_id: str, secret: str) -> requests.Response:
    form = {"grant_type": "client_credentials"}
    return requests.post(f"{live_server.url}/v1/auth/token", form, auth=(client_id, secret), timeout=PATIENCE)


def test_a_client_is_made_used_rotated_and_deleted(signed_in: Page, live_server: LiveServer) -> None:
    page = signed_in
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="OAuth clients").click()
    expect(page.get_by_role("heading", name="For programs that speak OAuth 2.1")).to_be_visible()
    page.get_by_role("link", name="Create client").click()
    page.get_by_label("Name").fill("catalog-import")
    page.get_by_role("checkbox", name="index:read:*").check()
    expect(page.get_by_text("This client can read indexes, and nothing else.")).to_be_visible()
    page.get_by_role("button", name="Create client").click()
    secret = page.get_by_label("Your new client secret").input_value()
    page.get_by_role("button", name="Copy secret").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("link", name="Done").click()
    client_id = page.locator("#client-id").inner_text()
    assert token(live_server, client_id, secret).status_code == 200

    page.get_by_role("link", name="Rotate secret").click()
    page.get_by_label("The old secret stays valid for").select_option("None: the old secret ends now")
    page.get_by_role("button", name="Rotate secret").click()
    second = page.get_by_label("Your new client secret").input_value()
    page.get_by_role("link", name="Close without copying").click()
    assert token(live_server, client_id, secret).status_code == 401
    access_token = token(live_server, client_id, second).json()["access_token"]
    bearer = {"Authorization": f"Bearer {access_token}"}
    whoami = f"{live_server.url}/api/auth/whoami"
    assert requests.get(whoami, headers=bearer, timeout=PATIENCE).json()["clientName"] == "catalog-import"

    page.get_by_role("button", name="Revoke all tokens").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke tokens").click()
    expect(page.get_by_text("Revoked all tokens of “catalog-import”.")).to_be_visible()
    assert requests.get(whoami, headers=bearer, timeout=PATIENCE).status_code == 401

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type catalog-import to confirm").fill("catalog-import")
    dialog.get_by_role("button", name="Delete client").click()
    expect(page.get_by_text("Deleted “catalog-import”.")).to_be_visible()
    assert token(live_server, client_id, second).status_code == 401
