"""Clients that send or read slowly, at a server without nginx: others are answered, these given up."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Event, Thread
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from django.test import Client

from config.server import client_socket
from config.server.client_socket import ClientSocket, Patience, TooSlow
from tests.support.servers import Servers

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
def pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    read = ClientSocket.of(ours, Patience(1))
    with read, theirs:
        read.begin()
        yield read, theirs


def test_what_arrives_in_time_is_read(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, theirs = pair
    sender = Thread(target=lambda: (Event().wait(0.05), theirs.sendall(b"later")))
    sender.start()
    assert ours.recv(10) == b"later"
    sender.join()
    theirs.close()
    assert ours.recv(10) == b""


def test_a_request_has_a_deadline_however_it_drips(
    pair: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "READ_SECONDS", 0.2)
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
    pair: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "MOMENT_SECONDS", 0.01)
    ours, _ = pair
    assert ours.patience._places.acquire(blocking=False)
    with pytest.raises(TooSlow):
        ours.recv(1)
    ours.patience._places.release()


def fill(ours: ClientSocket) -> None:
    """Write until the client would have to read."""
    ours.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            ours.send(b"x" * 4096)
    ours.setblocking(True)


def test_an_answer_is_given_up_where_the_client_reads_nothing(
    pair: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "WRITE_SECONDS", 0.1)
    ours, _ = pair
    ours.begin()
    fill(ours)
    with pytest.raises(TooSlow):
        ours.sendall(b"x")


def test_an_answer_is_given_up_where_the_client_reads_in_drips(
    pair: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "WRITE_SECONDS", 0.3)
    ours, theirs = pair
    ours.begin()
    fill(ours)
    done = Event()

    def drip() -> None:
        while not done.wait(0.02):
            theirs.recv(128)

    reader = Thread(target=drip)
    reader.start()
    try:
        with pytest.raises(TooSlow):
            ours.sendall(b"x" * 10_000_000)
    finally:
        done.set()
        reader.join()


def test_a_long_answer_arrives_whole(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, theirs = pair
    sent = bytes(range(256)) * 20_000
    writer = Thread(target=lambda: (ours.sendall(sent), ours.close()))
    writer.start()
    assert b"".join(iter(lambda: theirs.recv(65_536), b"")) == sent
    writer.join()


@pytest.mark.django_db(transaction=True)
def test_clients_that_read_nothing_stop_nobody(servers: Servers) -> None:
    url = servers(1)[0].url
    address = urlsplit(url)
    # More than the system's buffers hold.
    asked = b"GET /api/schema HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 10
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect((address.hostname, address.port))
            connection.sendall(asked)
        for _ in range(3):
            # Without a bound none of these is answered once every thread waits.
            with urlopen(f"{url}/healthz", timeout=PATIENCE) as response:
                assert json.load(response) == {"status": "ok"}
            Event().wait(1)


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
        assert time.monotonic() - started < client_socket.READ_SECONDS
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
    monkeypatch.setattr("accounts.drf.parsers.json.loads", None)
    response = Client().post("/v1/auth/login", b"[" * 900_000, content_type="application/json")
    assert response.status_code == 413
