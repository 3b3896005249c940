"""Many refreshes of one token at the same instant, over two server processes: one successor, no error."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests

from tests.support.servers import Server, Servers
from tests.support.threads import at_once
from tests.support.waiting import PATIENCE
from tests.tokens.oauth.calls import Program, make_program
from tokens.models import Grant, RefreshToken

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "2"))
CROWD = 40


def refresh(server: Server, program: Program, refresh_token: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **program.body}
    response = requests.post(f"{server.url}/v1/auth/token", form, timeout=PATIENCE)
    return response.status_code, response.json()


def crowd(servers: list[Server], program: Program, refresh_token: str) -> list[tuple[int, dict[str, Any]]]:
    calls: list[Callable[[], tuple[int, dict[str, Any]]]] = [
        partial(refresh, servers[n % len(servers)], program, refresh_token) for n in range(CROWD)
    ]
    results = at_once(calls)
    assert not [one for one in results if isinstance(one, Exception)]
    return [one for one in results if not isinstance(one, Exception)]


def test_forty_refreshes_at_once_give_one_successor(servers: Servers) -> None:
    two, program = (
        servers(2, REFRESHES_PER_MINUTE="1000000", OAUTH_CALLS_PER_MINUTE="1000000"),
        make_program(),
    )
    refresh_token = program.grant()["refresh_token"]
    for generation in range(2, ROUNDS + 2):
        results = crowd(two, program, refresh_token)
        assert {status for status, _ in results} == {200}, results
        [refresh_token] = {body["refresh_token"] for _, body in results}
        assert RefreshToken.objects.count() == generation
        assert RefreshToken.objects.filter(used_at=None).count() == 1
    assert Grant.objects.get().revoked_at is None


def test_forty_reuses_at_once_end_the_family_and_fail_alike(servers: Servers) -> None:
    two, program = servers(2), make_program()
    first = program.grant()["refresh_token"]
    second = refresh(two[0], program, first)[1]["refresh_token"]
    third = refresh(two[1], program, second)[1]["refresh_token"]
    results = crowd(two, program, first)
    assert {(status, body["error"]) for status, body in results} == {(400, "invalid_grant")}
    assert refresh(two[0], program, third)[1]["error"] == "invalid_grant"
    assert RefreshToken.objects.count() == 3
