"""Clients that stall, at a server without nginx: others are answered, and the stalled are given up."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event, Thread
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from django.test import Client

from config import reading
from config.reading import Patience, ReadSocket, TooSlow
from tests.servers import Servers

CHUNKED = (
    b"POST /v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"
)
LENGTH = (
    b"POST /v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{"
)
HEADER = b"GET /healthz HTTP/1.1\r\nHost: 127"
OPEN = ("/v1/auth/login", "/v1/auth/token", "/auth/v1/token?grant_type=password", "/accounts/login/")
PATIENCE = 30


@pytest.fixture
def pair() -> Iterator[tuple[ReadSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    read = ReadSocket.of(ours, Patience(1))
    with read, theirs:
        read.begin()
        yield read, theirs


def test_what_arrives_in_time_is_read(pair: tuple[ReadSocket, socket.socket]) -> None:
    ours, theirs = pair
    sender = Thread(target=lambda: (Event().wait(0.05), theirs.sendall(b"later")))
    sender.start()
    assert ours.recv(10) == b"later"
    sender.join()
    theirs.close()
    assert ours.recv(10) == b""


def test_a_request_has_a_deadline_however_it_drips(
    pair: tuple[ReadSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS", 0.2)
    ours, theirs = pair
    theirs.sendall(b"drip")
    ours.begin()
    assert [ours.recv(1) for _ in range(4)] == [b"d", b"r", b"i", b"p"]
    with pytest.raises(TooSlow):
        ours.recv(1)
    ours.begin()
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_only_some_threads_wait(
    pair: tuple[ReadSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOMENT_SECONDS", 0.01)
    ours, _ = pair
    assert ours.patience._places.acquire(blocking=False)
    with pytest.raises(TooSlow):
        ours.recv(1)
    ours.patience._places.release()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("request_", [CHUNKED, LENGTH, HEADER], ids=["chunked", "length", "header"])
def test_twenty_stalled_requests_stop_nobody(servers: Servers, request_: bytes) -> None:
    url = servers(1)[0].url
    address = urlsplit(url)
    with ExitStack() as stack:
        stalled = []
        for _ in range(20):
            connection = socket.create_connection((address.hostname, address.port), timeout=PATIENCE)
            stack.enter_context(connection)
            connection.sendall(request_)
            stalled.append(connection)
        started = time.monotonic()
        with urlopen(f"{url}/healthz", timeout=PATIENCE) as response:
            assert json.load(response) == {"status": "ok"}
        # Without a bound this answer does not come at all.
        assert time.monotonic() - started < reading.READ_SECONDS
        for connection in stalled:
            answer = connection.recv(65_536)
            assert answer == b"" if request_ is HEADER else answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN)
def test_a_body_where_no_bearer_is_asked_for_has_16_kb_at_most(path: str) -> None:
    form = path in ("/v1/auth/token", "/accounts/login/")
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    for size, refused in ((16_384, False), (16_385, True)):
        response = Client().post(path, b" " * size, content_type=kind)
        assert (response.status_code == 413) is refused
        if refused and not path.startswith("/accounts/"):
            body = response.json()
            assert "16 KB" in body.get("error_description", body["error"])


@pytest.mark.django_db
def test_nested_json_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.parsers.json.loads", None)
    response = Client().post("/v1/auth/login", b"[" * 900_000, content_type="application/json")
    assert response.status_code == 413
