"""Behind PgBouncer in transaction mode, where a connection is another one after every commit."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers, database_url
from tests.support.stores.postgres import owner
from tests.support.stores.store import Store, free_port
from tests.support.threads import at_once
from tests.support.waiting import PATIENCE, wait_until
from tokens.models import ServiceAccountToken

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
CI = os.environ.get("CI", "").lower() in ("1", "true")
CONNECTIONS = 3
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PROGRAM is None and not CI, reason="no pgbouncer was found"),
]
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
"""


@pytest.fixture(scope="module")
def bouncer_url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert PROGRAM, "CI needs pgbouncer"
    folder = tmp_path_factory.mktemp("pgbouncer")
    real, port = urlsplit(database_url()), free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(
            host=real.hostname, port=real.port, user=real.username, own_port=port, connections=CONNECTIONS
        )
    )
    url = real._replace(netloc=f"{real.username}@127.0.0.1:{port}").geturl()
    # It reads its file before it changes its user, and like PostgreSQL it refuses to be root.
    who: dict[str, Any] = owner() | {"cwd": "/"}
    file.chmod(0o644)
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o011)
    store = Store([PROGRAM, str(file)], url=url, log=folder / "log", stop_signal=signal.SIGINT, **who)
    try:
        store.wait(lambda: answers(url))
        yield url
    finally:
        store.stop()


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def running(servers: Servers, bouncer_url: str) -> list[Server]:
    return servers(2, DATABASE_URL=bouncer_url, DATABASE_TIMEOUT_SECONDS="5")


@pytest.fixture
def member() -> Membership:
    return make_member(make_organization(plan=make_plan("unlimited", None)), role=Role.OWNER)


def ask(server: Server, method: str, path: str, bearer: str, body: object = None) -> tuple[int, Any]:
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)) as link:
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        link.request(method, path, json.dumps(body) if body else None, headers)
        response = link.getresponse()
        content = response.read()
    return response.status, json.loads(content) if content else None


def test_the_cap_holds_for_a_crowd_that_is_larger_than_its_connections(
    running: list[Server], member: Membership
) -> None:
    bearer = make_token(member, permissions=["*:*:*"]).plaintext
    for number in range(47):
        make_token(member, f"old {number}")
    wish: dict[str, Any] = {"permissions": ["index:read:*"], "expiresInDays": 1}
    results = at_once(
        [
            partial(ask, running[number % 2], "POST", "/api/v1/tokens", bearer, wish | {"name": f"{number}"})
            for number in range(20)
        ]
    )
    assert Counter(status for status, _ in results) == {201: 2, 409: 18}
    assert ServiceAccountToken.objects.filter(organization=member.organization).count() == 50


def test_a_token_is_made_used_and_revoked_and_the_record_is_whole(
    running: list[Server], member: Membership, bouncer_url: str, settings: Settings
) -> None:
    bearer = make_token(member, permissions=["*:*:*"]).plaintext
    for number in range(8):
        wish = {"name": f"n{number}", "permissions": ["index:read:*"], "expiresInDays": 1}
        status, made = ask(running[0], "POST", "/api/v1/tokens", bearer, wish)
        assert status == 201
        assert ask(running[1], "GET", "/api/auth/whoami", made["token"])[0] == 200
        assert ask(running[0], "DELETE", f"/api/v1/tokens/{made['id']}", bearer)[0] == 204
        assert ask(running[1], "GET", "/api/auth/whoami", made["token"])[1]["code"] == "token_revoked"
    status, events = ask(running[0], "GET", "/api/v1/audit-events", bearer)
    assert status == 200
    assert len(events["results"]) >= 16
    call_command("audit_verify")
    assert connection.settings_dict["HOST"] == "127.0.0.1"


def test_what_waits_for_a_lock_is_given_up_in_time_there_too(
    running: list[Server], member: Membership
) -> None:
    bearer = make_token(member).plaintext
    with psycopg.connect(database_url()) as session:
        session.execute("LOCK TABLE tokens_serviceaccounttoken IN ACCESS EXCLUSIVE MODE")
        assert ask(running[0], "GET", "/api/auth/whoami", bearer)[0] == 503
        session.rollback()
    # A server that was slow to cancel is left alone for a moment.
    wait_until(lambda: ask(running[0], "GET", "/api/auth/whoami", bearer)[0] == 200)
