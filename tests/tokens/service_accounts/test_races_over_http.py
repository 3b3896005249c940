"""The same promises between server processes: one place is left, and a revocation is everywhere at once."""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from itertools import cycle, islice
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Organization
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers
from tests.support.waiting import PATIENCE, wait_until
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 40
IN_LINE = 8
ROUNDS = int(os.environ.get("RACE_ROUNDS", "2"))
LIMIT = settings.ACTIVE_TOKENS_PER_ORGANIZATION


def ask(server: Server, method: str, path: str, bearer: str, body: object = None) -> tuple[int, str]:
    """Status and ``code`` of the answer."""
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        content = response.read()
    return response.status, json.loads(content).get("code", "") if content else ""


def create_at_once(running: list[Server], bearer: str) -> Counter[tuple[int, str]]:
    barrier = Barrier(CROWD)

    def one(number: int, server: Server) -> tuple[int, str]:
        barrier.wait(PATIENCE)
        wish = {"name": f"new {number}", "permissions": ["index:read:*"], "expiresInDays": 1}
        return ask(server, "POST", "/api/v1/tokens", bearer, wish)

    with ThreadPoolExecutor(CROWD) as crowd:
        return Counter(crowd.map(one, range(CROWD), islice(cycle(running), CROWD)))


def test_forty_creators_at_two_servers_take_the_one_place_that_is_left(servers: Servers) -> None:
    running = servers(2)
    owner = make_member(make_organization(plan=make_plan("unlimited", None)))
    bearer = make_token(owner, permissions=["*:*:*"]).plaintext
    for number in range(LIMIT - 2):
        make_token(owner, f"old {number}")
    for _ in range(ROUNDS):
        answers = create_at_once(running, bearer)
        assert answers == {(201, ""): 1, (409, "token_limit_reached"): CROWD - 1}
        tokens = ServiceAccountToken.objects.all().active(timezone.now())
        assert tokens.count() == LIMIT
        tokens.filter(name__startswith="new").update(revoked_at=timezone.now())


def test_a_token_revoked_at_one_server_is_refused_by_the_other_in_the_next_request(servers: Servers) -> None:
    one, other = servers(2)
    owner = make_member(make_organization(plan=make_plan("unlimited", None)))
    bearer = make_token(owner, permissions=["*:*:*"]).plaintext
    for _ in range(4 * ROUNDS):
        issued = make_token(owner)
        assert ask(other, "GET", "/api/v1/identity", issued.plaintext)[0] == 200
        assert ask(one, "DELETE", f"/api/v1/tokens/{issued.token.public_id}", bearer)[0] == 204
        assert ask(other, "GET", "/api/v1/identity", issued.plaintext) == (401, "token_revoked")


def test_whoever_stands_in_line_for_an_organization_gets_their_turn(servers: Servers) -> None:
    """A statement is given up after 1.5 s here, but not one that waits for others at work."""
    running = servers(2, DATABASE_TIMEOUT_SECONDS="1.5")
    owner = make_member(make_organization(plan=make_plan("unlimited", None)))
    bearer = make_token(owner, permissions=["*:*:*"]).plaintext
    wish = {"permissions": ["index:read:*"], "expiresInDays": 1}
    with ThreadPoolExecutor(IN_LINE) as crowd:
        with transaction.atomic():
            Organization.objects.locked(owner.organization_id)
            results = [
                crowd.submit(
                    ask, running[number % 2], "POST", "/api/v1/tokens", bearer, wish | {"name": str(number)}
                )
                for number in range(IN_LINE)
            ]
            wait_until(lambda: waiting() >= IN_LINE)
        assert [one.result() for one in results] == [(201, "")] * IN_LINE


def waiting() -> int:
    """How many statements have waited for a lock for long."""
    with connection.cursor() as cursor:
        # A transaction sees others' activity as it was when it first looked.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND clock_timestamp() - query_start > interval '2 s'"
        )
        return int(cursor.fetchone()[0])
