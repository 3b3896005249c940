"""Workers, housekeeping and stores are killed in mid-write: what was acknowledged is there, once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from threading import Event

import psutil
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum

from accounts import typeid
from accounts.audit import log
from accounts.audit.models import AuditEvent
from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from tests.faults.conftest import World
from tests.faults.load import Caller, Load, Request
from tests.faults.rounds import ROUNDS
from tests.faults.writers import Promises, Writer, at_work
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import Server
from tests.support.sessions import opened
from tests.support.waiting import wait_until
from tokens.models import Grant, RefreshToken, ServiceAccountToken

KILLS = 2 + ROUNDS
FIRST = ["worker", "redis", "everything"]
OTHERS = ["worker", "worker", "worker", "housekeeping", "redis", "postgres", "everything"]
READERS = 3
Moments = list[tuple[float, float]]


@pytest.fixture
def servers(world: World) -> list[Server]:
    return world.servers(2, HOUSEKEEPING="1")


@pytest.fixture
def owner(world: World) -> Membership:
    return make_member(make_organization(plan=make_plan("unlimited", None), requests_per_day=10_000_000))


def test_what_was_acknowledged_outlives_every_crash(
    world: World, servers: list[Server], owner: Membership
) -> None:
    promises, over = Promises(), Event()
    bearer = make_token(owner, permissions=["*:*:*"]).plaintext
    counted = make_token(owner)
    families = [opened(owner) for _ in range(4 + KILLS)]
    members = [make_member(owner.organization, Role.MEMBER) for _ in range(8 * KILLS)]
    writers = [Writer(server, bearer, promises, over) for server in (*servers, *servers)]
    acts = [
        writers[0].tokens,
        writers[1].tokens,
        writers[2].removals(typeid.encode("mem", one.pk) for one in members),
        writers[3].refreshes(one.refresh_token for one in families),
    ]
    readers = [Request("counted", counted.plaintext)] * READERS
    with Load(servers, readers, pause=0.0) as load, at_work(writers, acts, over):
        load.wait_for(20, "counted", 200)
        moments = list(kill(world, servers, bearer))
    connection.close()
    assert promises.broken == []
    expect_tokens_as_promised(owner, promises)
    expect_members_as_promised(owner, members, promises)
    unused = RefreshToken.objects.filter(grant__organization=owner.organization, used_at=None)
    assert max(Counter(unused.values_list("grant_id", flat=True)).values()) == 1
    assert Grant.objects.filter(organization=owner.organization, revoked_at=None).count() >= 4
    print(
        f"Crashes: {KILLS} kills; {len(promises.created)} tokens created and {len(promises.revoked)} revoked,"
        f" {len(promises.removed)} members removed, {promises.refreshed} refreshes ({promises.late} late),"
        f" {promises.lost} answers lost, unavailable {dict(promises.unavailable)}"
    )
    expect_counted(load, moments, counted.token)


def kill(world: World, servers: list[Server], bearer: str) -> Iterator[tuple[float, float]]:
    """Kill one after the other, each at some moment of a write; yields when."""
    for number in range(KILLS):
        victim = FIRST[number] if number < len(FIRST) else random.choice(OTHERS)  # noqa: S311
        server = servers[number % len(servers)]
        time.sleep(random.uniform(0.001, 0.05))  # noqa: S311
        began = time.monotonic()
        if victim in ("worker", "everything"):
            kill_children(server, housekeeping=False)
        if victim in ("housekeeping", "everything"):
            kill_children(server, housekeeping=True)
        if victim in ("redis", "everything"):
            world.redis.kill()
        if victim == "postgres":
            world.postgres.shut_down()
        if victim == "everything":
            world.postgres.crash()
        yield began, time.monotonic()
        if victim in ("postgres", "everything"):
            world.postgres.start()
        if victim in ("redis", "everything"):
            world.redis.start()
        for one in servers:
            wait_until_answering(one, bearer)


def kill_children(server: Server, *, housekeeping: bool) -> None:
    for child in psutil.Process(server.process.pid).children():
        # One that ended since it was listed has no command line any more.
        with suppress(psutil.Error):
            if ("config.server.housekeeper" in child.cmdline()) is housekeeping:
                child.kill()


def wait_until_answering(server: Server, bearer: str) -> None:
    with Caller(server) as caller:
        wait_until(lambda: caller.ask(Request("alive", bearer)).status == 200)


def expect_tokens_as_promised(owner: Membership, promises: Promises) -> None:
    """Rows and their audit in one piece: none without the other, and one token for each key."""
    made = ServiceAccountToken.objects.filter(organization=owner.organization)
    rows = {one.public_id: one for one in made}
    events = AuditEvent.objects.filter(organization=owner.organization)
    recorded = Counter(events.filter(action="token.created").values_list("target_id", flat=True))
    assert recorded == Counter(list(rows))
    revoked = Counter(events.filter(action="token.revoked").values_list("target_id", flat=True))
    assert revoked == Counter(key for key, one in rows.items() if one.revoked_at)
    assert promises.created <= rows.keys()
    assert promises.revoked <= revoked.keys()
    with_key = [one for one in rows.values() if one.idempotency_digest]
    # The last wish of each of the two writers may have been left unanswered.
    assert promises.keys - 2 <= len(with_key) <= promises.keys
    assert log.first_broken(owner.organization_id) is None


def expect_members_as_promised(owner: Membership, members: list[Membership], promises: Promises) -> None:
    left = set(Membership.objects.filter(organization=owner.organization).values_list("pk", flat=True))
    removed = {typeid.encode("mem", one.pk) for one in members if one.pk not in left}
    assert promises.removed <= removed
    events = AuditEvent.objects.filter(organization=owner.organization, action="member.removed")
    assert events.count() == len(removed)


def expect_counted(load: Load, moments: Moments, token: ServiceAccountToken) -> None:
    """acknowledged ≤ counted ≤ acknowledged + what was in flight at a kill."""
    call_command("housekeeping", "--once")
    counted = DailyUsage.objects.filter(subject=token.pk).aggregate(calls=Sum("calls"))["calls"]
    acknowledged = load.statuses("counted")[200]
    in_flight = sum(
        one.sent <= ended and one.ended >= began for one in load.answers for began, ended in moments
    )
    print(f"Crashes: acknowledged {acknowledged}, counted {counted}, in flight {in_flight}")
    assert acknowledged <= counted <= acknowledged + in_flight
    assert set(load.statuses("counted")) <= {200, 0, 503}
