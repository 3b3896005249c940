"""The page of a new token: the one answer that holds the secret, and what a second request finds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import fresh_browser_of, make_member
from tokens.models import ServiceAccountToken

URL = "/settings/tokens/new/"
FORM: dict[str, Any] = {
    "name": "ci-deploy",
    "expiration": "90",
    "permissions": ["index:read:*"],
    "nonce": "n-1",
}
SECRET = re.compile(r"tsr_sa_[A-Za-z0-9]{43}")


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


def secret_of(response: Any) -> str:
    found = SECRET.findall(response.content.decode())
    assert len(found) == 1
    return str(found[0])


def test_the_answer_to_the_form_holds_the_secret_once(browser):
    response = browser.post(URL, FORM, follow=True)
    assert response.status_code == 200
    html = response.content.decode()
    secret = secret_of(response)
    assert html.count(secret) == 1
    assert f'readonly value="{secret}"' in html
    assert '<label for="secret">Your new token</label>' in html
    assert "Copy token" in html
    assert "Close without copying" in html


def test_the_secret_works(browser, client):
    secret = secret_of(browser.post(URL, FORM, follow=True))
    response = client.get("/api/auth/whoami", headers={"Authorization": f"Bearer {secret}"})
    assert response.json()["tokenName"] == "ci-deploy"


def test_nothing_keeps_the_page(browser):
    for response in (answer := browser.post(URL, FORM), browser.get(answer["Location"])):
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"


def test_snippets_name_the_variable_and_not_the_secret(browser):
    html = browser.post(URL, FORM, follow=True).content.decode()
    assert "Bearer $TESSERA_TOKEN" in html.replace("&quot;", '"')
    assert "gh secret set TESSERA_TOKEN" in html
    assert "http://testserver/api/auth/whoami" in html


def test_a_reload_neither_shows_nor_creates_again(browser):
    secret = secret_of(browser.post(URL, FORM, follow=True))
    response = browser.post(URL, FORM)
    html = response.content.decode()
    assert response.status_code == 409
    assert "This token was already created" in html
    assert not SECRET.search(html)
    assert secret not in html
    token = ServiceAccountToken.objects.get()
    assert f'href="/settings/tokens/{token.public_id}/"' in html


def test_the_nonce_of_one_person_means_nothing_to_another(owner, browser):
    browser.post(URL, FORM)
    other = fresh_browser_of(make_member(owner.organization, Role.ADMIN).user)
    assert other.post(URL, FORM | {"name": "other"}).status_code == 303


def test_every_form_has_a_nonce_of_its_own(browser):
    nonces = {re.search(r'name="nonce" value="([^"]+)"', browser.get(URL).content.decode()) for _ in range(3)}
    assert len({found[1] for found in nonces if found}) == 3


def test_neither_session_nor_cookies_nor_later_pages_hold_it(browser):
    secret = secret_of(browser.post(URL, FORM, follow=True))
    token = ServiceAccountToken.objects.get()
    sessions = [session.get_decoded() for session in Session.objects.all()]
    cookies = [cookie.value for cookie in browser.cookies.values()]
    pages = [
        browser.get(address).content.decode()
        for address in ("/settings/tokens/", f"/settings/tokens/{token.public_id}/", URL)
    ]
    assert not [text for text in [str(sessions), *cookies, *pages] if secret in text or secret[7:] in text]


def test_it_says_what_the_token_may_and_until_when(browser):
    html = browser.post(URL, FORM | {"expiration": "never"}, follow=True).content.decode()
    assert "This token can read indexes, and nothing else." in html
    assert "No expiry" in html


def test_no_script_or_style_stands_in_the_page(browser):
    html = browser.post(URL, FORM, follow=True).content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
