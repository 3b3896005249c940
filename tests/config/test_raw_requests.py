"""Bytes that no HTTP library would send, to a real gunicorn: each gets one answer, and none a fault."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.support.servers import Servers
from tests.support.waiting import PATIENCE
from tests.tokens.credentials.test_hostile_headers import BAD_BEARERS, NO_BEARER, REAL

pytestmark = pytest.mark.django_db(transaction=True)

JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
MB = 1_000_000

Case = tuple[bytes, bytes, bytes, set[int]]
CASES: dict[str, Case] = {
    "no body": (b"GET /api/auth/whoami", b"", b"", {401}),
    "nul in the path": (b"GET /api/a%00b", b"", b"", {400}),
    "nul in the query": (b"GET /api/auth/whoami?a=%00", b"", b"", {400}),
    "no utf-8 in the path": (b"GET /api/%ff%fe", b"", b"", {404}),
    "raw bytes in the path": (b"GET /api/\xff\xfe", b"", b"", {400, 404}),
    "half a surrogate": (b"GET /api/%ed%a0%80", b"", b"", {404}),
    "broken percent": (b"GET /api/%zz%", b"", b"", {404}),
    "absolute target": (b"GET http://evil.example/api/auth/whoami", b"", b"", {400, 401}),
    "a fragment": (b"GET /api/auth/verify?require=index:read:*#&require=index:write:*", b"", b"", {400}),
    "dots": (b"GET /static/../../etc/passwd", b"", b"", {404}),
    "encoded dots": (b"GET /static/%2e%2e/%2e%2e/etc/passwd", b"", b"", {404}),
    "another host after two slashes": (b"GET //evil.example/", b"", b"", {404}),
    "odd conditions on a file": (
        b"GET /static/admin/css/base.css",
        b"Range: bytes=-99999999999999999999,5-x\r\nIf-Modified-Selection: x\r\nIf-None-Match: \xff\r\n",
        b"",
        {200, 206, 416},
    ),
    "5 KB address": (b"GET /api/" + b"x" * 5_000, b"", b"", {414}),
    "9 KB address": (b"GET /api/" + b"x" * 9_000, b"", b"", {400, 414}),
    "9 KB header": (b"GET /api/auth/whoami", b"X-A: " + b"x" * 9_000 + b"\r\n", b"", {400, 431}),
    "101 headers": (b"GET /api/auth/whoami", b"X-A: 1\r\n" * 101, b"", {400, 431}),
    "trace": (b"TRACE /api/auth/whoami", b"", b"", {405}),
    "propfind": (b"PROPFIND /api/auth/whoami", b"", b"", {405}),
    "wrong charset": (
        b"POST /api/auth/whoami?a=%41&b=1",
        b"Content-Type: application/json; charset=hex\r\nContent-Length: 2\r\n",
        b"{}",
        {400},
    ),
    "unreadable content type": (
        b"POST /api/auth/whoami?a=1",
        b"Content-Type: a/b; x*=bogus''%41\r\nContent-Length: 2\r\n",
        b"{}",
        {401, 405, 415},
    ),
    "unreadable accept": (b"GET /api/auth/whoami", b"Accept: a/b; x*=a''b; x*0=c\r\n", b"", {400}),
    "nul in a cookie": (b"GET /accounts/login/", b'Cookie: sessionid="abcdefgh\\000"\r\n', b"", {400}),
    "odd cookies": (
        b"GET /accounts/login/",
        b"Cookie: \xff=;=;;sessionid=\xff\xfe" + b"x" * 40 + b"\r\n",
        b"",
        {200},
    ),
    "negative length": (b"POST /api/auth/whoami", JSON + b"Content-Length: -1\r\n", b"", {400}),
    "two lengths": (
        b"POST /api/auth/whoami",
        JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"{}",
        {400},
    ),
    "length and chunks": (
        b"POST /api/auth/whoami",
        JSON + CHUNKED + b"Content-Length: 2\r\n",
        b"0\r\n\r\n",
        {400},
    ),
    "10 MB announced": (b"POST /api/auth/whoami", JSON + b"Content-Length: 10000000\r\n", b"", {413}),
    "2 MB in chunks": (
        b"POST /api/auth/whoami",
        JSON + CHUNKED,
        (b"%x\r\n" % MB + b" " * MB + b"\r\n") * 2 + b"0\r\n\r\n",
        {413},
    ),
    "broken chunk": (b"POST /api/auth/whoami", JSON + CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n", {400}),
    "another coding": (b"POST /api/auth/whoami", JSON + b"Transfer-Encoding: gzip\r\n", b"", {400, 501}),
    "two hosts": (b"GET /api/auth/whoami", b"Host: evil.example\r\n", b"", {400}),
    "forged scheme": (b"GET /api/auth/whoami", b"X-Forwarded-Proto: https\r\n", b"", {401}),
}


def talk(url: str, request: bytes) -> bytes:
    """The whole answer; the request asks the server to close after it."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as connection:
        # A server may refuse and close before it was sent everything.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        answer = b""
        with suppress(ConnectionResetError):
            while data := connection.recv(65_536):
                answer += data
        return answer


def ask(url: str, line: bytes, headers: bytes = b"", body: bytes = b"") -> tuple[int, bytes]:
    host = urlsplit(url).netloc.encode()
    request = line + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + headers + b"\r\n" + body
    answer = talk(url, request)
    assert answer.startswith(b"HTTP/1."), answer[:200]
    return int(answer.split(b" ", 2)[1]), answer


@pytest.fixture
def url(servers: Servers) -> str:
    return servers(1)[0].url


@pytest.mark.parametrize("name", CASES)
def test_a_request_made_by_hand_gets_its_refusal(url: str, name: str) -> None:
    line, headers, body, expected = CASES[name]
    status, answer = ask(url, line, headers, body)
    assert status in expected, answer[:300]


@pytest.mark.parametrize(
    ("status", "code", "headers"),
    [
        (400, "invalid_request", b"Broken\r\n"),
        (417, "expectation_failed", b"Expect: the-unexpected\r\n"),
        (431, "headers_too_large", b"X-A: " + b"x" * 9_000 + b"\r\n"),
        (501, "not_implemented", b"Transfer-Encoding: unknown\r\n"),
    ],
)
def test_what_the_server_itself_refuses_is_json(url: str, status: int, code: str, headers: bytes) -> None:
    found, answer = ask(url, b"POST /api/auth/whoami", headers)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (found, json.loads(body)["code"]) == (status, code)
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"\r\nX-Request-ID: " in head
    assert b"\r\nCache-Control: no-store" in head


def test_no_authorization_header_is_a_fault(url: str) -> None:
    for header in NO_BEARER + BAD_BEARERS:
        raw = header.encode("latin-1")
        for path in (b"/api/auth/whoami", b"/internal/metrics", b"/api/v1/tokens"):
            status, answer = ask(url, b"GET " + path, b"Authorization: " + raw + b"\r\n")
            assert status in {400, 401, 404, 431}, (header[:40], answer[:300])
            assert b"\r\nContent-Type: application/json" in answer or status in {400, 431}


def test_two_authorization_headers_are_no_credential(url: str) -> None:
    once = f"Authorization: Bearer {REAL}\r\n".encode()
    for headers in (once * 2, b"Authorization: a\r\n" + once, once + b"Authorization: \r\n"):
        status, answer = ask(url, b"GET /api/auth/whoami", headers)
        assert status == 401, answer[:300]


def test_a_refused_body_does_not_become_the_next_request(url: str) -> None:
    host = urlsplit(url).netloc.encode()
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    request = (
        b"POST /api/a%%00b HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (host, len(smuggled))
    ) + smuggled
    answer = talk(url, request + smuggled)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.count(b'{"status": "ok"}') == 1
