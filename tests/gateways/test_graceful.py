"""Servers are reloaded, stopped and started while clients ask: every request gets its answer."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tests.gateways.balancer import Balancer, Load
from tests.gateways.gateway import program
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers
from tests.support.stores.store import free_port
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(program("nginx") is None, reason="nginx is not installed"),
]

ROUNDS = int(os.environ.get("RESTART_ROUNDS", "1"))
CLIENTS = int(os.environ.get("RESTART_CLIENTS", "4"))
WORKERS = os.environ.get("RESTART_WORKERS", "1")
WISHES = (("GET", "/api/auth/whoami"), ("POST", "/api/auth/verify"))


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def balancer(ports: tuple[int, int], tmp_path: Path) -> Iterator[Balancer]:
    running = Balancer(tmp_path, *ports)
    yield running
    running.stop()


@pytest.fixture
def load(balancer: Balancer) -> Load:
    member = make_member(make_organization(plan=make_plan("unlimited", None)))
    return Load(balancer.port, make_token(member).plaintext, WISHES)


def at(servers: Servers, port: int) -> Server:
    return servers(1, PORT=str(port), WEB_CONCURRENCY=WORKERS, DRAIN_SECONDS="3600")[0]


def readiness(server: Server) -> tuple[int, str]:
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        connection.request("GET", "/readyz", headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())["status"]


def reload(server: Server) -> None:
    arbiter = psutil.Process(server.process.pid)
    old = {worker.pid for worker in arbiter.children()}
    server.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: not old & (now := {worker.pid for worker in arbiter.children()}) and len(now) == len(old)
    )


def restart(servers: Servers, port: int, load: Load) -> None:
    server = at(servers, port)
    # A store that answers late on a busy machine makes it unready for a moment.
    wait_until(lambda: readiness(server) == (200, "ok"))
    server.process.terminate()
    wait_until(lambda: readiness(server) == (503, "draining"))
    load.wait_for(20)
    # The second signal says that it has been drained for long enough.
    server.stop()
    load.wait_for(20)
    at(servers, port)


def test_a_reload_and_a_restart_lose_no_request(servers: Servers, ports: tuple[int, int], load: Load) -> None:
    for port in ports:
        at(servers, port)
    with load.running(CLIENTS):
        for number in range(ROUNDS):
            load.wait_for(20)
            reload(at(servers, ports[number % 2]))
            load.wait_for(20)
            restart(servers, ports[1 - number % 2], load)
            load.wait_for(20)
    for port in ports:
        at(servers, port).kill()
    print(dict(load.answers))
    assert set(load.answers) == {"GET 200", "POST 204"}
