"""A provider that is down, slow, or answers nonsense costs a page a bounded time, and nothing more."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.oidc import jwks
from tests.accounts.authentication.flows import make_person, sign_in
from tests.accounts.authentication.sign_in_by import begin, come_back, google, is_inside, sign_in_by
from tests.accounts.oidc.fake_provider import FakeProvider, send
from tests.support.mails import MailingClient
from tests.support.waiting import PATIENCE

__all__ = ["google"]
pytestmark = pytest.mark.django_db
PAUSE = 0.05
answered = threading.Event()


@pytest.fixture(autouse=True)
def _patient(settings: Any) -> None:
    """A provider that answers has time to do it; only those that do not are given up soon."""
    settings.SINGLE_SIGN_ON_SECONDS = PATIENCE
    answered.clear()


def html(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b"<html>Sign in to the wireless network</html>", "text/html")


def a_list(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b"[1]", "application/json")


def no_keys(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b'{"keys": [7, {"kid": 3}]}', "application/json")


def deep(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b'{"keys":' + b"[" * 90_000, "application/json")


def ten_megabytes(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b'{"keys": [' + b" " * 10_000_000 + b"]}", "application/json")


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 302, b"", "text/html", Location="/elsewhere")


def broken(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 500, b"{}", "application/json")


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Until the client gives up."""
    handler.connection.settimeout(PATIENCE)
    handler.connection.recv(1)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    _drip(handler, b" ")


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(handler, b"x")


def _drip(handler: BaseHTTPRequestHandler, drop: bytes) -> None:
    with suppress(OSError):
        for _ in range(int(PATIENCE / PAUSE)):
            handler.wfile.write(drop)
            if answered.wait(PAUSE):
                break


WITHOUT_END = [silent, dripping, dripping_headers]
ANSWERS = [html, a_list, deep, ten_megabytes, elsewhere, broken, *WITHOUT_END]


def assert_down(provider: FakeProvider) -> None:
    browser = Client()
    began = time.monotonic()
    response = sign_in_by(browser, provider)
    answered.set()
    assert time.monotonic() - began < PATIENCE
    assert (response.status_code, b"does not answer" in response.content) == (503, True)
    assert b"Traceback" not in response.content
    assert not is_inside(browser)
    assert "/elsewhere" not in provider.asked


@pytest.mark.parametrize("answer", [*ANSWERS, no_keys], ids=lambda answer: answer.__name__)
def test_keys_that_do_not_come(answer: Any, google: FakeProvider, settings: Any) -> None:
    give_up_soon(answer, settings)
    google.instead["/keys"] = answer
    assert_down(google)


def give_up_soon(answer: Any, settings: Any) -> None:
    """These continue until the page has its response, or for all of PATIENCE without one."""
    if answer in WITHOUT_END:
        settings.SINGLE_SIGN_ON_SECONDS = 0.5


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.__name__)
def test_a_token_that_does_not_come(answer: Any, google: FakeProvider, settings: Any) -> None:
    give_up_soon(answer, settings)
    google.instead["/token"] = answer
    assert_down(google)


def test_nobody_listens(google: FakeProvider, settings: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/token"
        settings.SINGLE_SIGN_ON["google"]["token_url"] = url
        assert_down(google)


@pytest.mark.parametrize("answer", [html, broken, elsewhere], ids=lambda answer: answer.__name__)
def test_the_last_good_keys_serve_on(
    answer: Any, google: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sign_in_by(Client(), google).status_code == 302
    monkeypatch.setattr(jwks, "FRESH_SECONDS", -1)
    google.instead["/keys"] = answer
    assert sign_in_by(Client(), google).status_code == 302
    name = jwks.cache_key(f"{google.url}/keys")
    assert jwks.OUTAGE_SECONDS - PATIENCE < cache.ttl(name) <= jwks.OUTAGE_SECONDS
    cache.delete(name)
    assert_down(google)


def test_a_password_signs_in_meanwhile(google: FakeProvider) -> None:
    make_person("bea@example.com")
    google.instead = {"/token": broken, "/keys": broken}
    browser = MailingClient()
    assert b"Continue with Google" in browser.get("/accounts/login/").content
    sign_in(browser, "bea@example.com")
    assert is_inside(browser)


def test_another_try_begins_anew(google: FakeProvider, client: Client) -> None:
    google.instead["/token"] = broken
    assert come_back(client, google.approve(begin(client))).status_code == 503
    google.instead.clear()
    assert sign_in_by(client, google).status_code == 302
