"""Pauses, resumptions and revocations of one token at the same instant, on a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from tests.support.people import actor, make_token
from tests.support.team import trail
from tests.support.threads import at_once
from tokens.credentials.credential import Credential
from tokens.credentials.token_lookup import authenticate_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.pause import pause, resume
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
EACH = 4


def calls(owner: Membership, issued: Issued, call: Callable[..., object]) -> list[Callable[[], object]]:
    return [partial(call, token=issued.token, actor=actor(owner))] * EACH


def acts(owner: Membership, issued: Issued) -> list[str]:
    return [action for action, _, name in trail(owner.organization) if name == issued.token.name][1:]


def test_pauses_and_resumptions_take_turns_and_the_last_one_holds(owner: Membership) -> None:
    for _ in range(ROUNDS):
        issued = make_token(owner)
        results = at_once([*calls(owner, issued, pause), *calls(owner, issued, resume)])
        assert [type(one) for one in results] == [ServiceAccountToken] * 2 * EACH
        found = acts(owner, issued)
        # Repeated calls record nothing, so that the events alternate.
        assert found == ["token.paused", "token.resumed"] * (len(found) // 2) + ["token.paused"] * (
            len(found) % 2
        )
        is_accepted = isinstance(authenticate_token(issued.plaintext), Credential)
        assert is_accepted == (found[-1] == "token.resumed")


def test_a_revocation_wins_over_every_pause_and_resumption(owner: Membership) -> None:
    for _ in range(ROUNDS):
        issued = make_token(owner)
        revocation = partial(revoke, token=issued.token, actor=actor(owner))
        results = at_once([*calls(owner, issued, pause), revocation, *calls(owner, issued, resume)])
        refused = [one.error for one in results if isinstance(one, APIError)]
        assert refused == [errors.TOKEN_NOT_ACTIVE] * len(refused)
        changed = [one for one in results if isinstance(one, ServiceAccountToken)]
        assert len(changed) + len(refused) == 2 * EACH + 1
        assert acts(owner, issued)[-1] == "token.revoked"
        assert authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED


def test_pauses_at_the_same_instant_are_one_pause(owner: Membership) -> None:
    for _ in range(ROUNDS):
        issued = make_token(owner)
        results = at_once(calls(owner, issued, pause))
        assert len({getattr(one, "paused_at", one) for one in results}) == 1
        assert acts(owner, issued) == ["token.paused"]
