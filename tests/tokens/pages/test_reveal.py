"""Between the form and the page of the secret: who can read it, for how long, and how often."""

from __future__ import annotations

import json
import os
import re
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.http.cookie import SimpleCookie
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from tests.support.people import fresh_browser_of
from tests.support.threads import at_once
from tests.tokens.pages.test_reveal_page import FORM, SECRET, URL
from tests.tokens.service_accounts.test_at_rest import dump_database
from tokens.models import ServiceAccountToken
from tokens.pages.reveal import SECONDS, SHOWN_ONCE

ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
CLIENT_FORM = {
    "name": "Importer",
    "refresh_auth": "required",
    "permissions": ["index:read:*"],
    "nonce": "n-1",
}


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


def created(browser: Client) -> Any:
    response = browser.post(URL, FORM)
    assert response.status_code == 303
    return response


def shown(response: Any) -> list[str]:
    return SECRET.findall(response.content.decode())


@pytest.mark.parametrize(("path", "form"), [(URL, FORM), ("/settings/clients/new/", CLIENT_FORM)])
def test_back_and_reload_lead_to_the_page_of_the_credential(
    browser: Client, path: str, form: dict[str, Any]
) -> None:
    address = browser.post(path, form)["Location"]
    first = browser.get(address)
    assert first.status_code == 200
    assert re.search(r"tsr_\w{2}_[A-Za-z0-9]{43}", first.content.decode())
    for _ in range(2):
        again = browser.get(address, follow=True)
        assert again.redirect_chain == [(address.rsplit("/", 2)[0] + "/", 302)]
        assert SHOWN_ONCE in again.content.decode()
        assert not re.search(r"tsr_\w{2}_[A-Za-z0-9]{43}", again.content.decode())


def test_the_address_is_the_tokens_own_and_holds_no_secret(browser: Client) -> None:
    address = created(browser)["Location"]
    token = ServiceAccountToken.objects.get()
    assert address == f"/settings/tokens/{token.public_id}/created/"
    assert not urlsplit(address).query


def test_the_cookie_is_this_pages_alone_and_gone_after_it(browser: Client) -> None:
    answer = created(browser)
    cookie = answer.cookies["reveal"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["max-age"], cookie["path"]) == ("Strict", SECONDS, answer["Location"])
    after = browser.get(answer["Location"]).cookies["reveal"]
    assert (after.value, after["max-age"], after["path"]) == ("", 0, answer["Location"])


def test_under_https_the_cookie_is_secure(browser: Client, settings: Any) -> None:
    settings.SECURE = True
    assert created(browser).cookies["__Secure-reveal"]["secure"]


def test_the_database_with_the_secret_key_holds_neither_secret_nor_key(browser: Client) -> None:
    answer = created(browser)
    key = answer.cookies["reveal"].value
    opened = json.dumps([session.get_decoded() for session in Session.objects.all()])
    kept = dump_database() + opened
    assert "reveal:" in opened
    [secret] = shown(browser.get(answer["Location"]))
    assert secret[7:19] not in kept
    assert key not in kept
    assert "reveal:" not in json.dumps([session.get_decoded() for session in Session.objects.all()])


@pytest.mark.parametrize("cookie", [None, "", "another-key"])
def test_without_its_cookie_nothing_is_shown(browser: Client, cookie: str | None) -> None:
    answer = created(browser)
    del browser.cookies["reveal"]
    if cookie is not None:
        browser.cookies["reveal"] = cookie
    assert browser.get(answer["Location"]).status_code == 302


def test_another_session_with_the_cookie_shows_nothing(owner: Membership, browser: Client) -> None:
    answer = created(browser)
    other = fresh_browser_of(owner.user)
    other.cookies["reveal"] = answer.cookies["reveal"].value
    assert other.get(answer["Location"]).status_code == 302
    assert len(shown(browser.get(answer["Location"]))) == 1


@pytest.mark.parametrize(("seconds", "status"), [(SECONDS - 1, 200), (SECONDS, 302)])
def test_it_can_be_shown_for_a_minute(browser: Client, seconds: int, status: int) -> None:
    start = timezone.now().timestamp()
    with time_machine.travel(start, tick=False) as clock:
        answer = created(browser)
        clock.shift(seconds)
        browser.cookies["reveal"] = answer.cookies["reveal"].value
        assert browser.get(answer["Location"]).status_code == status


def test_what_was_never_shown_is_removed_by_the_next_one(browser: Client) -> None:
    start = timezone.now().timestamp()
    with time_machine.travel(start, tick=False) as clock:
        created(browser)
        clock.shift(SECONDS)
        browser.post(URL, FORM | {"nonce": "n-2", "name": "second"})
    assert sum(key.startswith("reveal:") for key, _ in browser.session.items()) == 1


def test_a_head_request_takes_nothing(browser: Client) -> None:
    answer = created(browser)
    assert browser.head(answer["Location"]).status_code == 405
    assert len(shown(browser.get(answer["Location"]))) == 1


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_show_it_once(owner: Membership) -> None:
    for number in range(ROUNDS):
        browser = fresh_browser_of(owner.user)
        answer = browser.post(URL, FORM | {"nonce": f"r-{number}", "name": f"race-{number}"})
        twins = [Client(), Client()]
        for twin in twins:
            twin.cookies = SimpleCookie(browser.cookies.output(header="", sep=";"))
            twin.cookies["sessionid"] = browser.cookies["sessionid"].value
            twin.cookies["reveal"] = answer.cookies["reveal"].value
        found = at_once([partial(twin.get, answer["Location"]) for twin in twins])
        assert sorted(response.status_code for response in found) == [200, 302]
