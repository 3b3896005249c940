"""A row that was read before a revocation, and would be remembered after it, provoked with two threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import redis
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from tests.support.clients import program
from tests.support.people import make_plan, make_token
from tests.support.waiting import PATIENCE
from tokens.credentials import cache
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
WHOAMI = "/api/auth/whoami"

# Where the reader waits while the token is revoked: the step that has just been taken, or is next.
AFTER_THE_LOOK_UP, BEFORE_KEEPING = "after the look-up", "before keeping"


@pytest.fixture
def revoker(issued: Issued) -> APIClient:
    """A warm program of the same organization, which has taught this worker the store's epoch."""
    # Each flush forfeits a block of a limit, and no limit is to end these rounds.
    Organization.objects.update(plan=make_plan("unlimited", None))
    client = program(issued)
    for _ in range(2):
        client.get(WHOAMI)
    return client


def hold(monkeypatch: pytest.MonkeyPatch, where: str, raw: str, barrier: Barrier) -> None:
    """Let the reader of this one bearer wait twice there: until it has come, and until it may go on."""
    if where == AFTER_THE_LOOK_UP:
        read = cache.RequestCredential._from_sql

        def reading(known: cache.RequestCredential, *how: Any) -> Any:
            found = read(known, *how)
            if known.raw == raw and not barrier.broken:
                barrier.wait(PATIENCE)
                barrier.wait(PATIENCE)
                barrier.abort()
            return found

        monkeypatch.setattr(cache.RequestCredential, "_from_sql", reading)
    else:
        keep = cache.RequestCredential.keep

        def keeping(known: cache.RequestCredential, decision: Any) -> None:
            if known.raw == raw and not barrier.broken:
                barrier.wait(PATIENCE)
                barrier.wait(PATIENCE)
                barrier.abort()
            keep(known, decision)

        monkeypatch.setattr(cache.RequestCredential, "keep", keeping)


def ask(issued: Issued) -> int:
    try:
        return int(program(issued).get(WHOAMI).status_code)
    finally:
        connection.close()


@pytest.mark.parametrize("flushed", [False, True], ids=["", "and the store is flushed"])
@pytest.mark.parametrize("where", [AFTER_THE_LOOK_UP, BEFORE_KEEPING])
def test_what_was_read_before_a_revocation_is_never_accepted_after_it(
    where: str,
    flushed: bool,
    owner: Membership,
    revoker: APIClient,
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = []
    for _ in range(ROUNDS):
        issued, barrier = make_token(owner), Barrier(2)
        # The worker knows the store's epoch before it reads, also after a flush: it would remember.
        revoker.get(WHOAMI)
        with monkeypatch.context() as patched, ThreadPoolExecutor(1) as reader:
            hold(patched, where, issued.plaintext, barrier)
            reading = reader.submit(ask, issued)
            barrier.wait(PATIENCE)
            answer = revoker.delete(f"/api/v1/tokens/{issued.token.public_id}")
            assert answer.status_code == 204
            if flushed:
                redis_client.flushdb()
            barrier.wait(PATIENCE)
            # It was sent before the revocation, so it may be answered either way.
            assert reading.result(PATIENCE) in (200, 401)
        accepted += [code for code in (ask(issued), ask(issued)) if code != 401]
    assert accepted == []


def test_without_a_revocation_it_would_be_remembered(
    owner: Membership, revoker: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Else the rounds above would provoke nothing."""
    issued = make_token(owner)
    ask(issued)
    with django_assert_num_queries(0):
        assert ask(issued) == 200
