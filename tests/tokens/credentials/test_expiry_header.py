"""``X-Token-Expires-At``: a successful response says when the credential ends, from 14 days before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import actor, make_token
from tests.support.sessions import opened
from tokens.service_accounts.rotation import rotate

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PATHS = (
    "/api/auth/whoami",
    "/api/v1/context",
    "/api/auth/verify",
    "/api/auth/verify/envoy?require=index:read:1",
)
NAME = "X-Token-Expires-At"


@pytest.mark.parametrize("path", PATHS)
def test_a_token_within_14_days_of_its_end_says_so(owner: Membership, path: str) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        issued = make_token(owner, expires_in_days=30)
        clock.move_to(NOON + 16 * DAY - timedelta(seconds=1))
        assert NAME not in program(issued).get(path).headers
        clock.move_to(NOON + 16 * DAY)
        assert program(issued).get(path).headers[NAME] == "2026-04-01T12:00:00.000Z"


def test_an_old_secret_says_the_end_of_its_overlap(owner: Membership) -> None:
    with time_machine.travel(NOON, tick=False):
        issued = make_token(owner, expires_in_days=None)
        rotated = rotate(token=issued.token, actor=actor(owner))
        assert program(issued).get(PATHS[0]).headers[NAME] == "2026-03-03T12:00:00.000Z"
        assert NAME not in program(rotated).get(PATHS[0]).headers


def test_a_session_says_the_end_of_its_access_token(owner: Membership) -> None:
    with time_machine.travel(NOON, tick=False):
        bearer = opened(owner).access_token
        assert program(bearer).get(PATHS[0]).headers[NAME] == "2026-03-02T12:15:00.000Z"


def test_a_refusal_says_no_end(owner: Membership) -> None:
    issued = make_token(owner, expires_in_days=1)
    assert NAME not in program(issued).get("/api/v1/tokens").headers
    assert NAME not in program(issued).get("/api/auth/verify?require=tokens.manage").headers
    assert NAME not in program("").get(PATHS[0]).headers
