"""What one person or client may have and do: families, refreshes and calls a minute, kept generations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEvent
from tests.support.sessions import login, make_person, opened, refresh
from tests.support.threads import at_once
from tests.tokens.oauth.calls import Program, ask, error, make_program, ok, whoami
from tokens.grants import opening, rotation
from tokens.grants.errors import InvalidGrant, ReuseDetected
from tokens.models import Grant, GrantKind, RefreshToken
from tokens.oauth import token_endpoint

pytestmark = pytest.mark.django_db
GRANT = {"grant_type": "client_credentials"}
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["store", "SQL"])
def _everywhere(request: pytest.FixtureRequest, settings: Any) -> None:
    if request.param == "SQL":
        settings.REDIS_URL = ""


def active() -> int:
    return Grant.objects.filter(revoked_at=None).count()


def test_a_person_has_so_many_sessions_and_the_one_unused_for_longest_ends(settings: Settings) -> None:
    settings.SESSIONS_PER_PERSON = 3
    email = make_person().user.email
    first, second, third = (login(email).json() for _ in range(3))
    first = refresh(first["refresh_token"]).json()
    fourth = login(email).json()
    alive = [whoami(one["access_token"]).status_code for one in (first, second, third, fourth)]
    assert alive == [200, 401, 200, 200]
    ended = AuditEvent.objects.get(action="session.ended")
    assert ended.changes == {"reason": "Unused for longest of too many sessions"}


def test_anothers_sessions_do_not_count(settings: Settings) -> None:
    settings.SESSIONS_PER_PERSON = 1
    login(make_person().user.email)
    login(make_person().user.email)
    assert active() == 2


@pytest.mark.django_db(transaction=True)
def test_sign_ins_at_once_leave_no_more_than_that(settings: Settings) -> None:
    settings.SESSIONS_PER_PERSON = 3
    email = make_person().user.email
    assert at_once([lambda: login(email).status_code] * 8) == [200] * 8
    assert active() == 3


@pytest.mark.usefixtures("_everywhere")
def test_a_session_is_refreshed_so_often_a_minute(settings: Settings) -> None:
    settings.REFRESHES_PER_MINUTE = 3
    member = make_person()
    token = opened(member).refresh_token
    for _ in range(3):
        token = refresh(token).json()["refresh_token"]
    refused = refresh(token)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refresh(opened(member).refresh_token).status_code == 200
    settings.REFRESHES_PER_MINUTE = 60
    assert refresh(token).status_code == 200


@pytest.mark.usefixtures("_everywhere")
def test_a_clients_grant_is_refreshed_so_often_a_minute(settings: Settings) -> None:
    settings.REFRESHES_PER_MINUTE = 2
    program = make_program()
    token = program.grant()["refresh_token"]
    for _ in range(2):
        token = ok(program.refresh(token))["refresh_token"]
    limited(program.refresh(token))


def limited(response: Any) -> None:
    assert error(response, 429) == "temporarily_unavailable"
    assert 0 < int(response["Retry-After"]) <= 60


@pytest.mark.usefixtures("_everywhere")
@pytest.mark.parametrize("path", ["/v1/auth/token", "/v1/auth/introspect", "/v1/auth/revoke"])
def test_a_client_calls_the_oauth_endpoints_so_often_a_minute(settings: Settings, path: str) -> None:
    settings.OAUTH_CALLS_PER_MINUTE = 3
    program, other = make_program(), make_program()
    for _ in range(3):
        ok(ask("/v1/auth/introspect", token="x", **program.body))
    limited(ask(path, token="x", **GRANT, **program.body))
    ok(ask("/v1/auth/introspect", token="x", **other.body))


@pytest.mark.usefixtures("_everywhere")
def test_a_strangers_calls_do_not_use_up_a_clients(settings: Settings) -> None:
    settings.OAUTH_CALLS_PER_MINUTE = 2
    program = make_program()
    for _ in range(4):
        assert error(ask(**GRANT, client_id=program.id, client_secret="tsr_cs_" + "A" * 43), 401)
    program.grant()


@pytest.mark.usefixtures("_everywhere")
def test_new_grants_a_minute_are_bounded_and_refreshes_go_on(settings: Settings) -> None:
    settings.OAUTH_GRANTS_PER_MINUTE = 2
    program = make_program()
    token = [program.grant() for _ in range(2)][-1]["refresh_token"]
    limited(ask(**GRANT, **program.body))
    ok(program.refresh(token))


def test_a_client_has_so_many_grants_and_those_unused_for_longest_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GRANTS_PER_CLIENT = 4
    monkeypatch.setattr(token_endpoint, "REVOKED_AT_ONCE", 2)
    program = make_program()
    found = [program.grant() for _ in range(4)]
    found[0] = ok(program.refresh(found[0]["refresh_token"]))
    found.append(program.grant())
    alive = [whoami(one["access_token"]).status_code for one in found]
    assert alive == [200, 401, 401, 200, 200]
    assert AuditEvent.objects.get(action="client.tokens_revoked").changes == {"grantsEnded": 2}


@pytest.mark.django_db(transaction=True)
def test_grants_at_once_leave_no_more_than_that(settings: Settings) -> None:
    settings.GRANTS_PER_CLIENT = 4
    program = make_program()
    answers = at_once([lambda: Client().post("/v1/auth/token", GRANT | program.body).status_code] * 2)
    assert len(answers) == 2
    assert at_once([lambda: bool(program.grant())] * 8) == [True] * 8
    assert active() <= 4


def rotated(program: Program, raw: str, now: datetime) -> str:
    return rotation.rotate(raw, kinds=(GrantKind.CLIENT,), client=program.row, now=now).refresh_token


def test_old_generations_are_deleted_and_reuse_of_the_last_ones_is_recognized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rotation, "GENERATIONS_KEPT", 3)
    program = make_program()
    raws = [opening.open_for_client(client=program.row, scope=None, now=START).refresh_token]
    for number in range(1, 8):
        raws.append(rotated(program, raws[-1], START + timedelta(minutes=number)))
    assert RefreshToken.objects.count() == 4
    later = START + timedelta(hours=1)
    with pytest.raises(InvalidGrant) as unknown:
        rotated(program, raws[0], later)
    assert not isinstance(unknown.value, ReuseDetected)
    assert active() == 1
    with pytest.raises(ReuseDetected):
        rotated(program, raws[4], later)
    assert active() == 0
