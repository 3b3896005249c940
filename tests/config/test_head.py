"""HEAD: the headers of GET, the length of its body among them, and no body."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection

import pytest
from django.test import Client

from tests.support.servers import Servers
from tests.support.waiting import PATIENCE
from tests.support.wsgi import ask

PATHS = ["/healthz", "/readyz", "/accounts/login/", "/api/auth/whoami", "/nothing", "/.well-known/jwks.json"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_head_says_the_length_of_what_get_sends(path: str) -> None:
    got, asked = Client().get(path), Client().head(path)
    assert asked.status_code == got.status_code
    assert asked.content == b""
    assert int(asked["Content-Length"]) > 0
    if "csrf" not in got.content.decode():
        assert asked["Content-Length"] == str(len(got.content))


def test_no_body_is_handed_to_the_server() -> None:
    """Where it is, gunicorn logs a warning; Django's test client would hide it."""
    assert ask("HEAD", "/api/auth/whoami").body == b""


@pytest.mark.django_db(transaction=True)
def test_nothing_is_logged_for_it(servers: Servers) -> None:
    [server] = servers(1)
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        for path in PATHS:
            connection.request("HEAD", path)
            connection.getresponse().read()
    assert "HEAD" not in "".join(line for line in server.log().splitlines() if '"warning"' in line)
