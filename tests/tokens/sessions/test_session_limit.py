"""SESSION_REQUESTS_PER_MINUTE holds a person, however many sessions and organizations they have."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.models import Membership
from tests.support.people import make_member
from tests.support.sessions import session_of

pytestmark = pytest.mark.django_db
WHOAMI = "/api/auth/whoami"


@pytest.fixture(params=["redis", "sql"], autouse=True)
def _limit(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.SESSION_REQUESTS_PER_MINUTE = 3
    if request.param == "sql":
        settings.REDIS_URL = ""


def test_sessions_of_one_person_share_the_limit(owner: Membership) -> None:
    statuses = [session_of(owner).get(WHOAMI).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_another_organization_gives_no_further_requests(owner: Membership) -> None:
    elsewhere = make_member(user=owner.user)
    sessions = [session_of(owner), session_of(elsewhere)]
    answers = [session.get(WHOAMI) for session in sessions * 2]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0]["RateLimit-Policy"] == '"session";q=3;w=60'
    assert "X-RateLimit-Limit" not in answers[0]


def test_a_colleague_has_a_limit_of_their_own(owner: Membership) -> None:
    for _ in range(4):
        session_of(owner).get(WHOAMI)
    assert session_of(make_member(owner.organization)).get(WHOAMI).status_code == 200
