"""What was committed and never answered: a client that asks again gets the one outcome there is."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from accounts.models import Membership
from tests.faults.conftest import World
from tests.faults.load import Caller, Request
from tests.faults.rounds import ROUNDS
from tests.support.people import make_token
from tests.support.servers import Server
from tests.support.sessions import make_person, opened
from tests.support.waiting import wait_until
from tokens.models import RefreshToken, ServiceAccountToken

WISH = {"permissions": ["index:read:*"], "expiresInDays": 1}
TIMES = min(20, 3 * ROUNDS)


@pytest.fixture
def person(world: World) -> Membership:
    return make_person()


@pytest.fixture
def server(world: World) -> Server:
    return world.pair[0]


@pytest.fixture
def caller(callers: list[Caller]) -> Caller:
    return callers[0]


def send_and_leave(server: Server, request: Request, done: Callable[[], bool]) -> None:
    """The request arrives completely and is executed; its client has disconnected before the response."""
    body = json.dumps(request.body).encode()
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in request.headers.items()),
    ]
    if request.bearer:
        lines.append(f"Authorization: Bearer {request.bearer}")
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    wait_until(done)


def test_a_token_whose_creation_was_not_answered_is_made_once_and_shown_never(
    server: Server, caller: Caller, person: Membership
) -> None:
    bearer = make_token(person, permissions=["*:*:*"]).plaintext
    for number in range(TIMES):
        wish = WISH | {"name": f"asked for twice {number}"}
        made = ServiceAccountToken.objects.filter(organization=person.organization, name=wish["name"])
        create = Request(
            "create", bearer, "POST", "/api/v1/tokens", wish, {"Idempotency-Key": f"key-{number}"}
        )
        send_and_leave(server, create, made.exists)
        again = caller.ask(create)
        assert (again.status, again.body["code"]) == (409, "already_created")
        assert "token" not in again.body["record"]
        assert made.count() == 1


def test_a_refresh_that_was_not_answered_hands_out_the_same_successor(
    server: Server, caller: Caller, person: Membership
) -> None:
    for _ in range(TIMES):
        first = opened(person)
        family = RefreshToken.objects.filter(grant=first.grant)
        body = {"refresh_token": first.refresh_token}
        refresh = Request("refresh", "", "POST", "/v1/auth/refresh", body)
        send_and_leave(server, refresh, lambda family=family: family.count() == 2)
        answers = [caller.ask(refresh) for _ in range(2)]
        assert [one.status for one in answers] == [200, 200]
        assert len({one.body["refresh_token"] for one in answers}) == 1
        assert family.count() == 2
