"""A server without its database: requests that need it get 503, and the others are served."""

from __future__ import annotations

import json

import pytest

from tests.config.test_raw_requests import ask
from tests.support.servers import Server, Servers
from tests.tokens.credentials.test_hostile_headers import REAL

pytestmark = pytest.mark.django_db(transaction=True)
INTERNAL = "an-internal-token-of-the-scraper-0123456789"


@pytest.fixture
def server(servers: Servers) -> Server:
    # Nothing listens on port 1.
    environment = {
        "DATABASE_URL": "postgres://tessera@127.0.0.1:1/unavailable",
        "DATABASE_CONNECT_SECONDS": "0.5",
        "INTERNAL_TOKENS": INTERNAL,
    }
    return servers(1, **environment)[0]


def test_a_credential_that_cannot_be_looked_up_is_a_503(server: Server) -> None:
    status, answer = ask(server.url, b"GET /api/auth/whoami", f"Authorization: Bearer {REAL}\r\n".encode())
    assert status == 503
    assert answer.endswith(b'{"error": "Temporarily unavailable", "code": "unavailable"}')
    assert b"\r\nRetry-After: 5\r\n" in answer


def test_a_page_that_needs_its_session_is_a_503_page(server: Server) -> None:
    cookie = b"Cookie: sessionid=abcdefghijklmnopqrstuvwxyz012345\r\n"
    status, answer = ask(server.url, b"GET /settings/tokens/", cookie + b"X-Request-ID: page-1\r\n")
    assert status == 503
    assert b"<h1>Temporarily unavailable</h1>" in answer
    assert b"\r\nRetry-After: 5\r\n" in answer
    cause, request = [json.loads(line) for line in server.log().splitlines() if "page-1" in line]
    assert cause["event"].startswith("A store did not answer (OperationalError")
    assert (request["event"], request["status"]) == ("request", 503)
    assert "Traceback" not in server.log()


def test_what_needs_no_database_goes_on(server: Server) -> None:
    assert ask(server.url, b"GET /healthz")[0] == 200
    assert ask(server.url, b"GET /api/auth/whoami")[0] == 401
    assert ask(server.url, b"GET /api/nothing-here")[0] == 404
    assert ask(server.url, b"GET /readyz")[0] == 503


def test_metrics_tell_of_the_outage(server: Server) -> None:
    assert ask(server.url, b"GET /api/auth/whoami", f"Authorization: Bearer {REAL}\r\n".encode())[0] == 503
    status, answer = ask(
        server.url, b"GET /internal/metrics", f"Authorization: Bearer {INTERNAL}\r\n".encode()
    )
    assert status == 200
    assert b"\ntessera_database_up 0.0\n" in answer
    assert b"tessera_people" not in answer
    lines = [
        line
        for line in answer.splitlines()
        if line.startswith(b'tessera_store_errors_total{store="database"}')
    ]
    assert float(lines[0].split()[-1]) > 0
