"""The admitted number is exact under any concurrency: 400 parallel requests against a limit of 100."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from threading import Barrier

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership
from ratelimit.sql.reservations import Block, reserve_block, reserve_one
from ratelimit.usage import reports
from tests.ratelimit.limit_requests import NOON, hit, new_limit_request
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import ROOT, Server, Servers
from tests.support.threads import at_once
from tests.support.waiting import PATIENCE
from tokens.models import ServiceAccountToken

LIMIT, TRIES, CONNECTIONS = 100, 400, 40


def hammer(servers: Sequence[Server], bearers: Sequence[str], tries: int = TRIES) -> list[tuple[int, str]]:
    """That many requests on CONNECTIONS connections over all servers: status and remaining of each answer."""
    barrier = Barrier(CONNECTIONS)

    def one(server: Server) -> list[tuple[int, str]]:
        with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
            # The servers connect to their stores before the race, which is about nothing but the limit.
            connection.request("GET", "/readyz")
            connection.getresponse().read()
            barrier.wait(PATIENCE)
            found = []
            for bearer in islice(cycle(bearers), tries // CONNECTIONS):
                connection.request("GET", "/api/auth/whoami", headers={"Authorization": f"Bearer {bearer}"})
                response = connection.getresponse()
                response.read()
                found.append((response.status, response.headers["X-RateLimit-Remaining"]))
        return found

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = pool.map(one, islice(cycle(servers), CONNECTIONS))
        return [answer for found in answers for answer in found]


def expect_exactly_the_limit(answers: list[tuple[int, str]]) -> None:
    assert Counter(status for status, _ in answers) == {200: LIMIT, 429: len(answers) - LIMIT}
    remaining = sorted(int(left) for status, left in answers if status == 200)
    assert remaining == list(range(LIMIT))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("environment", [{}, {"REDIS_URL": ""}], ids=["redis", "sql"])
def test_two_servers_admit_exactly_the_limit(
    servers: Servers, settings: Settings, environment: dict[str, str], owner: Membership
) -> None:
    settings.REDIS_URL = environment.get("REDIS_URL", settings.REDIS_URL)
    tokens = [make_token(owner) for _ in range(2)]
    running = servers(2, WEB_CONCURRENCY="2", **environment)
    expect_exactly_the_limit(hammer(running, [one.plaintext for one in tokens]))
    used = reports.totals(owner.organization_id, [one.token.pk for one in tokens])
    assert sum(one.calls for one in used.values()) == LIMIT
    today = timezone.now().date()
    counted = reports.by_day(owner.organization_id, today, today)
    assert sum(one.refused for one in counted) == TRIES - LIMIT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("environment", [{}, {"REDIS_URL": ""}], ids=["redis", "sql"])
def test_two_servers_admit_exactly_the_limit_of_a_token(
    servers: Servers, settings: Settings, environment: dict[str, str]
) -> None:
    settings.REDIS_URL = environment.get("REDIS_URL", settings.REDIS_URL)
    running = servers(2, WEB_CONCURRENCY="2", **environment)
    unlimited = make_member(make_organization(plan=make_plan("unlimited", None)))
    expect_exactly_the_limit(hammer(running, [limited_token(unlimited)]))
    owner = make_member(make_organization(plan=make_plan("limited", 1_000)))
    statuses = hammer(running, [limited_token(owner), make_token(owner).plaintext], 2 * TRIES)
    assert Counter(status for status, _ in statuses) == {200: LIMIT + TRIES, 429: TRIES - LIMIT}
    today = timezone.now().date()
    counted = reports.by_day(owner.organization_id, today, today)
    assert {(one.calls, one.refused) for one in counted} == {(LIMIT, TRIES - LIMIT), (TRIES, 0)}
    assert reports.today(owner.organization_id, 1_000).used == LIMIT + TRIES


def limited_token(owner: Membership) -> str:
    issued = make_token(owner)
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(requests_per_day=LIMIT)
    return issued.plaintext


def test_two_servers_on_sqlite_admit_exactly_the_limit(servers: Servers, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'tessera.sqlite3'}", "REDIS_URL": ""}
    manage = partial(
        subprocess.run,
        cwd=ROOT,
        env=os.environ | environment | {"SECRET_KEY": "k" * 20 + "0123456789" * 4},
        check=True,
        capture_output=True,
    )
    manage([sys.executable, "manage.py", "migrate", "--no-input", "-v0"])
    arguments = [
        "--email=a@example.com",
        "--password=a-long-enough-passphrase",
        "--organization=A",
        "--token=t",
    ]
    made = manage(
        [sys.executable, "manage.py", "bootstrap", *arguments, "--permission=tokens.view", "--json"]
    )
    bearer = json.loads(made.stdout)["token"]["token"]
    # One writer at a time: more tries would only stand in line for longer.
    expect_exactly_the_limit(hammer(servers(2, **environment), [bearer], 4 * CONNECTIONS))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backend")
def test_a_burst_is_exact_as_well() -> None:
    limit_request = new_limit_request(1000, burst=10)
    decisions = [one for _ in range(3) for one in at_once([partial(hit, limit_request)] * 16)]
    assert [getattr(one, "admitted", one) for one in decisions].count(True) == 10
    assert hit(limit_request).quotas[0].remaining == 990


@pytest.mark.django_db(transaction=True)
def test_those_who_ask_for_a_block_at_once_are_told_of_the_same() -> None:
    bucket = new_limit_request().bucket
    ask = partial(reserve_block, bucket, NOON.date(), LIMIT, epoch="e", known=-1)
    assert at_once([ask] * 8) == [Block(0, 2)] * 8


@pytest.mark.django_db(transaction=True)
def test_single_requests_taken_at_once_are_all_different() -> None:
    take = partial(reserve_one, new_limit_request().bucket, NOON.date(), 20)
    for _ in range(12):
        take()
    taken = at_once([take] * 16)
    assert sorted(number for number in taken if isinstance(number, int)) == list(range(13, 21))
    assert taken.count(None) == 8
