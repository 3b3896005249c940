"""A narrowing races the use of the token and what it creates: a removed permission is never used again."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event

import pytest

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from tests.support.people import actor, make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers
from tests.support.threads import at_once
from tests.support.waiting import PATIENCE
from tests.tokens.service_accounts.test_races_over_http import ask
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued, issue
from tokens.service_accounts.update import update

ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
USERS, LATER = 8, 5


@pytest.fixture
def unlimited(transactional_db: None) -> Membership:
    return make_member(make_organization(plan=make_plan("unlimited", None)))


def test_no_child_that_is_created_meanwhile_keeps_a_removed_permission(unlimited: Membership) -> None:
    outcomes: Counter[bool] = Counter()
    for number in range(ROUNDS):
        parent = make_token(unlimited, permissions=["tokens.manage", "index:read:*", "events:read:*"])
        credential = token_lookup.authenticate_token(parent.plaintext)
        assert isinstance(credential, Credential)
        narrowing = partial(
            update, token=parent.token, actor=actor(unlimited), permissions=["tokens.manage", "index:read:*"]
        )
        creating = [
            partial(
                issue,
                actor=credential,
                name=f"{number} {one}",
                permissions=["index:read:*", "events:read:*"],
                expires_in_days=None,
            )
            for one in range(3)
        ]
        _, *results = at_once([narrowing, *creating])
        refused = [one.error for one in results if isinstance(one, APIError)]
        assert set(refused) <= {errors.INSUFFICIENT_SCOPE}
        created = [one for one in results if isinstance(one, Issued)]
        assert len(created) + len(refused) == len(creating), results
        children = ServiceAccountToken.objects.filter(parent=parent.token)
        assert [one.permissions for one in children] == [["index:read:*"]] * len(created)
        outcomes.update([bool(created), not refused])


def test_no_request_sent_after_the_change_uses_a_removed_permission(
    unlimited: Membership, servers: Servers
) -> None:
    running = servers(2)
    bearer = make_token(unlimited, permissions=["*:*:*"]).plaintext
    for _ in range(ROUNDS):
        issued = make_token(unlimited, permissions=["tokens.view", "index:read:*"])
        barrier, narrowed = Barrier(USERS + 1), Event()

        def use(server: Server, issued: Issued, barrier: Barrier, narrowed: Event) -> list[int]:
            """Call until five requests were sent after the change's response; return their statuses."""
            barrier.wait(PATIENCE)
            late: list[int] = []
            while len(late) < LATER:
                is_late = narrowed.is_set()
                status, _ = ask(server, "GET", "/api/v1/tokens", issued.plaintext)
                assert status in (200, 403)
                if is_late:
                    late.append(status)
            return late

        with ThreadPoolExecutor(USERS) as crowd:
            uses = [
                crowd.submit(use, running[number % 2], issued, barrier, narrowed) for number in range(USERS)
            ]
            assert ask(running[1], "GET", "/api/v1/tokens", issued.plaintext)[0] == 200
            barrier.wait(PATIENCE)
            path = f"/api/v1/tokens/{issued.token.public_id}"
            answer = ask(running[0], "PATCH", path, bearer, {"permissions": ["index:read:*"]})
            narrowed.set()
            assert answer == (200, "")
            assert Counter(status for one in uses for status in one.result()) == {403: USERS * LATER}
