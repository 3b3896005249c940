"""Bearers in constant use over two servers of several workers: none that was sent after its end gets through.

The default is a small set. The whole proof is run by hand:

    FRESHNESS_TOKENS=100 FRESHNESS_CONNECTIONS=8 FRESHNESS_WORKERS=4 FRESHNESS_LATER=10000 \\
        python -m pytest -n0 -s tests/tokens/freshness/test_freshness_servers.py
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Membership
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from ratelimit.store.client import StoreUnavailable
from tests.support.people import actor, make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers
from tests.support.sessions import opened
from tests.tokens.service_accounts.hammer import Used, ask_once, use, warmed
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.rotation import rotate

pytestmark = pytest.mark.django_db(transaction=True)
TOKENS = int(os.environ.get("FRESHNESS_TOKENS", "8"))
CONNECTIONS = int(os.environ.get("FRESHNESS_CONNECTIONS", "4"))
WORKERS = os.environ.get("FRESHNESS_WORKERS", "2")
LATER = int(os.environ.get("FRESHNESS_LATER", "400"))
ENVIRONMENT = {
    "WEB_CONCURRENCY": WORKERS,
    "DATABASE_POOL_SIZE": "4",
    # A refusal must come of the credential, and of no limit on refusals or sessions.
    "REFUSALS_PER_MINUTE": "100000000",
    "SESSION_REQUESTS_PER_MINUTE": "100000000",
}
TOKENS_OF_ONE = 25
OVERLOADED = {503}
AT_ONCE = 4
SECONDS = 900


@dataclass
class End:
    """One act, what it ends, with which answer it is refused from then on, and what must go on."""

    act: Callable[[Sequence[Server]], Awaitable[object]]
    ends: list[Used]
    refused: int
    goes_on: list[Used] = field(default_factory=list)

    async def happen(self, servers: Sequence[Server]) -> None:
        status = await self.act(servers)
        while status == 503:
            # Not confirmed, or a server has too much to do: to repeat it is what 503 asks for.
            status = await self.act(servers)
        assert status in (200, 204, 404)
        now = time.monotonic()
        for used in (*self.ends, *self.goes_on):
            used.ended_at = now


def over_http(method: str, path: str, bearer: str, body: object = None) -> Callable[..., Awaitable[object]]:
    """At either server."""

    async def act(servers: Sequence[Server]) -> object:
        return await ask_once(random.choice(servers), method, path, bearer, body)  # noqa: S311

    return act


def by_flow(flow: Callable[[], object]) -> Callable[..., Awaitable[object]]:
    """In this process, as staff's admin does it in another one."""

    def run() -> int:
        try:
            flow()
        except StoreUnavailable:
            return 503
        finally:
            connection.close()
        return 204

    return lambda servers: asyncio.to_thread(run)


def team() -> tuple[Membership, Membership, str]:
    """An owner and an admin, and the owner's session; on a plan of their own that has no limit."""
    organization = make_organization()
    organization.plan = make_plan(f"of-{organization.slug}", None)
    organization.save(update_fields=["plan"])
    owner = make_member(organization)
    return owner, make_member(organization, Role.ADMIN), opened(owner).access_token


def tokens_of(member: Membership, count: int) -> list[Used]:
    return [Used(make_token(member).plaintext) for _ in range(count)]


def revocations(count: int) -> Iterator[End]:
    """Each token by a call of its own, while its neighbours go on."""
    for start in range(0, count, TOKENS_OF_ONE):
        owner, _, session = team()
        for _ in range(start, min(start + TOKENS_OF_ONE, count)):
            issued = make_token(owner)
            path = f"/api/v1/tokens/{issued.token.public_id}"
            yield End(over_http("DELETE", path, session), [Used(issued.plaintext)], 401)


def rotated(member: Membership, count: int) -> list[tuple[Issued, Issued]]:
    """Tokens in the middle of a rotation's overlap: each with its previous and its new secret."""
    before = [make_token(member) for _ in range(count)]
    return [(issued, rotate(token=issued.token, actor=actor(member))) for issued in before]


def finished_rotation(count: int) -> Iterator[End]:
    owner, _, session = team()
    for old, new in rotated(owner, count):
        path = f"/api/v1/tokens/{old.token.public_id}/rotation/finish"
        act = over_http("POST", path, session)
        yield End(act, [Used(old.plaintext)], 401, [Used(new.plaintext)])


def cancelled_rotation(count: int) -> Iterator[End]:
    owner, _, session = team()
    for old, new in rotated(owner, count):
        act = over_http("DELETE", f"/api/v1/tokens/{old.token.public_id}/rotation", session)
        yield End(act, [Used(new.plaintext)], 401, [Used(old.plaintext)])


def removal(count: int) -> End:
    """Both secrets end of a token whose rotation runs."""
    _, admin, session = team()
    secrets = [Used(one.plaintext) for pair in rotated(admin, count) for one in pair]
    ends = [*tokens_of(admin, count), *secrets, Used(opened(admin).access_token)]
    return End(over_http("DELETE", f"/api/v1/members/{admin.public_id}", session), ends, 401)


def sign_out(count: int) -> End:
    _, admin, _ = team()
    ended, other = opened(admin), opened(admin)
    path = f"/v1/auth/sessions/{ended.grant.public_id}"
    act = over_http("DELETE", path, other.access_token)
    return End(act, [Used(ended.access_token)], 401, [Used(other.access_token), *tokens_of(admin, count)])


def suspension(count: int) -> End:
    owner, _, session = team()
    act = by_flow(lambda: update.suspend(organization=owner.organization, actor=SYSTEM))
    return End(act, [*tokens_of(owner, count), Used(session)], 401)


def pause(count: int) -> End:
    owner, _, session = team()
    issued = make_token(owner)
    act = over_http("POST", f"/api/v1/tokens/{issued.token.public_id}/pause", session)
    return End(act, [Used(issued.plaintext)], 401, [Used(session), *tokens_of(owner, count)])


def lowered_role(count: int) -> End:
    """The session loses the permission; tokens are the organization's and keep theirs."""
    _, admin, session = team()
    act = over_http("PATCH", f"/api/v1/members/{admin.public_id}", session, {"role": Role.VIEWER})
    loses = Used(opened(admin).access_token, "/api/v1/audit-events?limit=1")
    return End(act, [loses], 403, tokens_of(admin, count))


def lowered_plan(count: int) -> End:
    """To less than has been used today, so that the new limit refuses every request."""
    owner, _, _ = team()
    plan = owner.organization.plan

    def lower() -> None:
        plan.requests_per_day = 1
        plan.save()

    return End(by_flow(lower), tokens_of(owner, count), 429)


async def prove(ends: Sequence[End], servers: Sequence[Server]) -> None:
    everybody = [used for end in ends for used in (*end.ends, *end.goes_on)]
    later = -(-LATER // sum(len(end.ends) for end in ends))
    each = [(used, servers[number % len(servers)]) for used in everybody for number in range(CONNECTIONS)]
    users = [asyncio.create_task(use(used, server, later)) for used, server in each]
    await warmed(everybody, CONNECTIONS)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(end: End) -> None:
        async with gate:
            await end.happen(servers)

    await asyncio.gather(*map(one, random.sample(ends, len(ends))))
    await asyncio.gather(*users)


def test_no_request_sent_after_the_answer_gets_through(servers: Servers) -> None:
    few = max(1, TOKENS // 25)
    acts = (removal, sign_out, suspension, pause, lowered_role, lowered_plan)
    rotations = [*finished_rotation(few), *cancelled_rotation(few)]
    ends = [*revocations(TOKENS), *rotations, *(act(few) for act in acts)]
    # Signed tokens name the address that they were made for.
    running = servers(2, BASE_URL=settings.BASE_URL, **ENVIRONMENT)
    began = time.monotonic()

    # In a thread of its own: where browser tests ran before, this one has a loop that runs already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(prove(ends, running), SECONDS)).result()

    report(ends, time.monotonic() - began)
    for end in ends:
        for used in end.ends:
            assert used.before[200] > 0
            assert used.after[200] == 0
            assert used.after.keys() - OVERLOADED == {end.refused}
        for used in end.goes_on:
            assert used.after.keys() - OVERLOADED == {200}
    assert sum(used.after.total() for end in ends for used in end.ends) >= LATER


def report(ends: Sequence[End], seconds: float) -> None:
    """Figures of the whole proof."""
    ended = [used for end in ends for used in end.ends]
    going = [used for end in ends for used in end.goes_on]
    print(f"\n{len(ended)} bearers ended by {len(ends)} acts, {len(going)} went on, {seconds:.0f} s")
    for name in ("before", "amid", "after"):
        totals: Counter[int] = sum((getattr(used, name) for used in ended), Counter())
        print(f"{name} the end: {dict(sorted(totals.items()))}")
    print(f"accepted though sent after the answer: {sum(used.after[200] for used in ended)}")
