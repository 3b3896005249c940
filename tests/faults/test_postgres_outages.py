"""PostgreSQL fails in every way it can: what needs it is a 503 in time, and warm credentials go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

import psycopg
import pytest

from tests.faults.conftest import World
from tests.faults.crowd import Crowd, expect_nobody_wrong
from tests.faults.load import Caller, Load, Request, expect_no_fault
from tests.faults.own_postgres import OTHER_PASSWORD, PASSWORD, OwnPostgres
from tests.faults.rounds import long_only
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.sessions import opened
from tests.support.waiting import wait_until
from tokens.models import RefreshToken, ServiceAccountToken
from tokens.service_accounts.issue import Issued

TABLE = "tokens_serviceaccounttoken"
WISH = {"name": "made in an outage", "permissions": ["index:read:*"], "expiresInDays": 1}
RENAMED = {"name": "renamed"}


@contextmanager
def stopped(postgres: OwnPostgres) -> Iterator[None]:
    postgres.crash()
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def locked(postgres: OwnPostgres) -> Iterator[None]:
    with postgres.session() as session, session.transaction():
        session.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE".encode())
        yield


@contextmanager
def hanging(postgres: OwnPostgres) -> Iterator[None]:
    postgres.pause()
    try:
        yield
    finally:
        postgres.resume()


@contextmanager
def full(postgres: OwnPostgres) -> Iterator[None]:
    with ExitStack() as crowd, postgres.session() as keeper:
        while postgres.turn_out(keeper) or has_room(postgres, crowd):
            pass
        yield


def has_room(postgres: OwnPostgres, crowd: ExitStack) -> bool:
    """Whether there was a connection left to take."""
    try:
        crowd.enter_context(postgres.session())
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def another_password(postgres: OwnPostgres) -> Iterator[None]:
    with postgres.session() as keeper:
        postgres.set_password(OTHER_PASSWORD, keeper)
        postgres.turn_out(keeper)
        try:
            yield
        finally:
            postgres.set_password(PASSWORD, keeper)


class Outage(NamedTuple):
    during: Callable[[OwnPostgres], AbstractContextManager[None]]
    short: bool = False


OUTAGES = {
    "stopped": Outage(stopped, short=True),
    "locked": Outage(locked, short=True),
    "hanging": Outage(hanging),
    "full": Outage(full),
    "under another password": Outage(another_password),
}
CASES = [pytest.param(name, marks=long_only(not one.short)) for name, one in OUTAGES.items()]


@pytest.mark.parametrize("name", CASES)
def test_what_needs_postgresql_says_so_in_time_and_the_warm_go_on_while_it_is(
    world: World, callers: list[Caller], name: str
) -> None:
    crowd = Crowd.come()
    # In an organization of their own, because a change makes its organization's credentials be read again.
    writer = make_member(make_organization(plan=make_plan("unlimited", None)))
    cold = make_token(writer)
    bearer = make_token(writer, permissions=["*:*:*"]).plaintext
    write = Request("write", bearer, "PATCH", path_of(cold), RENAMED)
    alive = Request("alive", path="/healthz")
    requests = [one for one in crowd.requests if one.name in ("good", "session", "ended", "unknown")]
    warm(callers, [one for one in requests if one.name in ("good", "session")])
    with Load(world.pair, [*requests, write, alive], pause=0.03) as load:
        load.wait_for(30, "good", 200)
        load.wait_for(10, "write", 200)
        with OUTAGES[name].during(world.postgres):
            began = time.monotonic()
            load.wait_for(60, "good", 200, began)
            load.wait_for(2, "unknown", 503, began)
            expect_the_cold_refused_for_now(callers, cold, ready=name == "locked")
            load.wait_for(1, "write", 503, began)
            healed = time.monotonic()
        back = time.monotonic()
        wait_until(lambda: load.statuses("unknown", back)[401] > 0)
        load.wait_for(5, "write", 200, back)
        recovery = min(one.ended for one in load.named("write", back) if one.status == 200) - back
    print(f"PostgreSQL {name}: {load.figures(began, healed)}; written again after {recovery:.2f} s")
    expect_no_fault(load.answers)
    unavailable = {"unknown": {503}, "ended": {503}}
    expect_nobody_wrong(load, unavailable)
    assert set(load.statuses("write")) == {200, 503}
    assert set(load.statuses("alive")) == {200}
    for server in world.pair:
        assert PASSWORD not in server.log()
        assert OTHER_PASSWORD not in server.log()


def warm(callers: list[Caller], requests: list[Request]) -> None:
    """Have each server cache these credentials: the second look-up under one epoch is kept."""
    for caller in callers:
        for request in requests:
            assert [caller.ask(request).status for _ in range(3)] == [200] * 3


def path_of(issued: Issued) -> str:
    return f"/api/v1/tokens/{issued.token.public_id}"


def expect_the_cold_refused_for_now(callers: list[Caller], cold: Issued, *, ready: bool) -> None:
    """A good credential that no worker remembers is never a 401."""
    for caller in callers:
        assert caller.ask(Request("cold", cold.plaintext)).status == 503
        expect_readiness(caller, 200 if ready else 503)


def expect_readiness(caller: Caller, status: int) -> None:
    """A locked table leaves a server ready, though a slow cancel may look like more for a moment."""
    wait_until(lambda: caller.ask(Request("ready", path="/readyz")).status == status)


def test_a_read_only_postgresql_verifies_and_changes_nothing(world: World, callers: list[Caller]) -> None:
    crowd = Crowd.come()
    cold, probed = make_token(crowd.owner), make_token(crowd.owner)
    session = opened(crowd.owner)
    good, one = crowd.bearer("good"), callers[0]
    again = Request("refresh", "", "POST", "/v1/auth/refresh", {"refresh_token": session.refresh_token})
    writes = [
        Request("create", good, "POST", "/api/v1/tokens", WISH),
        Request("rename", good, "PATCH", path_of(cold), RENAMED),
        Request("revoke", good, "DELETE", path_of(cold)),
        again,
    ]
    # Connections that are open already learn of it with their next statement.
    world.postgres.set("default_transaction_read_only", "on")
    try:
        # The setting reaches open connections some time later, so that a first write may succeed.
        probe = Request("probe", good, "PATCH", path_of(probed), {"name": "probed"})
        wait_until(lambda: one.ask(probe).status == 503)
        assert [one.ask(write).status for write in writes] == [503] * len(writes)
        assert [one.ask(Request("cold", cold.plaintext)).status for _ in range(3)] == [200] * 3
    finally:
        world.postgres.set("default_transaction_read_only", "off")
    recovery = wait_until(lambda: one.ask(again).status == 200)
    print(f"PostgreSQL read-only: written again after {recovery:.2f} s")
    tokens = ServiceAccountToken.objects.filter(organization_id=crowd.owner.organization_id)
    assert not tokens.filter(name__in=[WISH["name"], RENAMED["name"]]).exists()
    assert tokens.get(pk=cold.token.pk).revoked_at is None
    assert RefreshToken.objects.filter(grant=session.grant).count() == 2
