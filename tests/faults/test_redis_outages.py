"""Redis fails in every way it can while two servers are asked: SQL decides, exactly, and no request waits."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Timer
from typing import NamedTuple

import pytest

from tests.faults.conftest import World
from tests.faults.crowd import BLOCK, LIMIT, LIMITED, Crowd, expect_nobody_wrong
from tests.faults.load import Caller, Load, Request, expect_no_fault
from tests.faults.own_postgres import OTHER_PASSWORD, PASSWORD
from tests.faults.rounds import REDIS_TIMEOUT, ROUNDS, long_only
from tests.ratelimit.store.own_redis import OwnRedis
from tests.support.people import make_token
from tests.support.waiting import wait_until

# Nothing listens there.
NOWHERE = "redis://127.0.0.1:1/0"
REVOCATIONS = 2 + 3 * ROUNDS


class Outage(NamedTuple):
    cause: Callable[[OwnRedis], object]
    heal: Callable[[OwnRedis], object]


def nothing(redis: OwnRedis) -> None:
    pass


OUTAGES = {
    "killed": Outage(OwnRedis.kill, OwnRedis.start),
    "slow": Outage(OwnRedis.pause, OwnRedis.resume),
    "flushed": Outage(lambda redis: redis.client.flushall(), nothing),
    "out of memory": Outage(
        lambda redis: redis.client.config_set("maxmemory", 1),
        lambda redis: redis.client.config_set("maxmemory", 0),
    ),
    "without scripts": Outage(lambda redis: redis.client.script_flush(), nothing),
    "read-only": Outage(
        lambda redis: redis.client.replicaof("127.0.0.1", 1),
        lambda redis: redis.client.replicaof("NO", "ONE"),
    ),
    "another password": Outage(
        lambda redis: redis.change_password(OTHER_PASSWORD),
        lambda redis: redis.change_password(PASSWORD),
    ),
}
SHORT = ("killed", "slow")


@pytest.mark.parametrize("name", [pytest.param(one, marks=long_only(one not in SHORT)) for one in OUTAGES])
def test_everybody_is_answered_rightly_while_redis_is(world: World, name: str) -> None:
    crowd, outage = Crowd.come(), OUTAGES[name]
    with Load(world.pair, crowd.requests) as load:
        load.wait_for(30, "good", 200)
        began = time.monotonic()
        outage.cause(world.redis)
        load.wait_for(40, "good", 200, began)
        healed = time.monotonic()
        outage.heal(world.redis)
        recovery = wait_until_counted(world, crowd)
        for limited in LIMITED:
            load.wait_for(20, limited, 429)
    print(f"Redis {name}: {load.figures(began, healed)}; asked again after {recovery:.2f} s")
    expect_no_fault(load.answers)
    expect_nobody_wrong(load)
    # What was asked when the store stopped, or in vain later on, may be charged there and in SQL as well.
    for limited in LIMITED:
        in_vain = sum(one.seconds >= REDIS_TIMEOUT for one in load.named(limited))
        assert load.statuses(limited)[200] >= LIMIT - BLOCK - len(world.pair) - in_vain
    expect_no_password(world)


def test_what_was_revoked_while_redis_hangs_is_confirmed_or_not_but_never_both(
    world: World, callers: list[Caller]
) -> None:
    crowd = Crowd.come()
    outcomes: Counter[int] = Counter()
    longest = 0.0
    for number in range(REVOCATIONS):
        doomed = make_token(crowd.owner)
        for caller in callers * 2:
            assert caller.ask(Request("doomed", doomed.plaintext)).status == 200
        path = f"/api/v1/tokens/{doomed.token.public_id}"
        revocation = Request("revoke", crowd.bearer("good"), "DELETE", path)
        # The first one says how long it takes; the store stops at any point of the others.
        timer = Timer(random.uniform(0, 1.2 * longest), world.redis.pause)  # noqa: S311
        if number:
            timer.start()
        answer = callers[number % 2].ask(revocation)
        if number:
            timer.join()
        outcomes[answer.status] += 1
        if answer.status == 204:
            longest = max(longest, answer.seconds)
            expect_refused(callers, doomed.plaintext)
        world.redis.resume()
        wait_until(lambda call=revocation: callers[0].ask(call).status == 204)
        expect_refused(callers, doomed.plaintext)
    print(f"Revocations while Redis stops: {dict(outcomes)}")
    assert set(outcomes) <= {204, 503}


@pytest.fixture
def cut_off(world: World) -> Iterator[Caller]:
    with Caller(world.servers(1, REDIS_URL=NOWHERE)[0]) as caller:
        yield caller


def test_a_server_that_cannot_reach_redis_confirms_no_revocation(
    world: World, cut_off: Caller, callers: list[Caller]
) -> None:
    """Another one can, and remembers: it would go on accepting what the first one called revoked."""
    crowd, other = Crowd.come(), callers[0]
    for _ in range(3):
        doomed = make_token(crowd.owner)
        request = Request("doomed", doomed.plaintext)
        assert [other.ask(request).status for _ in range(3)] == [200] * 3
        path = f"/api/v1/tokens/{doomed.token.public_id}"
        revocation = Request("revoke", crowd.bearer("good"), "DELETE", path)
        answers = [cut_off.ask(revocation) for _ in range(2)]
        assert [(one.status, one.retry_after is None) for one in answers] == [(503, False)] * 2
        assert cut_off.ask(request).status == 401
        assert other.ask(revocation).status == 204
        expect_refused([cut_off, other], doomed.plaintext)


def expect_refused(callers: list[Caller], bearer: str) -> None:
    for caller in callers:
        assert caller.ask(Request("doomed", bearer)).status == 401


def expect_no_password(world: World) -> None:
    for server in world.pair:
        assert PASSWORD not in server.log()
        assert OTHER_PASSWORD not in server.log()


def wait_until_counted(world: World, crowd: Crowd) -> float:
    """Seconds until Redis counts requests again that both servers answer."""
    key = f"tsr:{{{crowd.owner.organization_id.hex}}}:meter"

    def used() -> int:
        return int(world.redis.client.hget(key, "used") or 0)

    before = used()
    return wait_until(lambda: used() > before)
