"""The claims of an access token: all required, all typed, and times that hold to the second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings

from accounts import typeid
from tests.tokens.crypto.forging import claims_of, good_header, sign
from tests.tokens.oauth.calls import make_program, whoami
from tokens.crypto import access_jwt

pytestmark = pytest.mark.django_db
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "org", "scope")
ISSUER = settings.BASE_URL
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


@pytest.fixture
def good(db: None) -> dict[str, Any]:
    return claims_of(make_program().grant()["access_token"])


def answer(claims: dict[str, Any]) -> Any:
    return whoami(sign(good_header(), claims))


def refuses(claims: dict[str, Any]) -> None:
    response = answer(claims)
    assert (response.status_code, response.json()["error"]) == (401, "Invalid API key"), claims


@pytest.mark.parametrize("name", REQUIRED)
def test_each_claim_is_required(good: dict[str, Any], name: str) -> None:
    del good[name]
    refuses(good)


NO_TEXT = (None, [], {}, True, False, -1, 1, 0.5, 1e308, 10**400)
NO_TIME = (None, [], {}, "", True, False, -1, 0.5, 1e308, "9999999999", 10**400)


@pytest.mark.parametrize("name", REQUIRED)
def test_each_claim_has_its_type(good: dict[str, Any], name: str) -> None:
    for value in NO_TIME if name in ("exp", "iat") else NO_TEXT:
        refuses(good | {name: value})


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ISSUER + "/"},
        {"iss": ISSUER[:-1]},
        {"iss": [ISSUER]},
        {"iss": ISSUER.upper()},
        {"iss": "https://" + ISSUER.partition("://")[2]},
        {"aud": ISSUER + "/"},
        {"aud": ["https://example.com"]},
        {"aud": []},
        {"aud": [1]},
        {"aud": {ISSUER: 1}},
        {"sid": "ses_" + "z" * 26},
        {"sid": "tok_01k9zq8c4se1ktw5n9y2a6p0mh"},
        {"sid": "ses_01k9zq8c4se1ktw5n9y2a6p0m"},
        {"sid": "ses_01k9zq8c4se1ktw5n9y2a6p0m\0"},
        {"scope": 'a"b'},
        {"scope": "index"},
        {"scope": ["index:read:*"]},
        {"exp": 2**63},
        {"exp": -1},
        {"nbf": "now"},
        {"nbf": 2**40},
        {"nbf": None},
    ],
)
def test_a_claim_that_is_not_as_we_make_it_is_refused(good: dict[str, Any], change: dict[str, Any]) -> None:
    refuses(good | change)


def test_a_list_of_audiences_may_hold_us(good: dict[str, Any]) -> None:
    assert answer(good | {"aud": ["https://example.com", ISSUER]}).status_code == 200


def test_a_grant_that_never_was_has_ended(good: dict[str, Any]) -> None:
    response = answer(good | {"sid": typeid.encode("ses", typeid.new())})
    assert (response.status_code, response.json()["code"]) == (401, "token_revoked")


def test_scopes_beyond_the_client_add_nothing(good: dict[str, Any]) -> None:
    response = answer(good | {"scope": "*:*:* index:read:* account:admin:*"})
    assert response.json()["effectivePermissions"] == ["index:read:*"]


def edge(seconds: float) -> float:
    return NOON.timestamp() + seconds


@pytest.mark.parametrize(("late", "accepted"), [(-1, True), (0, True), (29, True), (30, False), (31, False)])
def test_a_token_ends_on_the_second_with_thirty_for_clocks_that_differ(
    good: dict[str, Any], late: float, accepted: bool
) -> None:
    token = sign(good_header(), good | {"iat": int(edge(-60)), "exp": int(edge(0))})
    if accepted:
        assert access_jwt.decode(token, edge(late)).exp == edge(0)
    else:
        with pytest.raises(access_jwt.ExpiredJWT):
            access_jwt.decode(token, edge(late))


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize(("early", "accepted"), [(0, True), (30, True), (31, False), (3600, False)])
def test_a_token_of_the_future_is_refused(
    good: dict[str, Any], name: str, early: int, accepted: bool
) -> None:
    token = sign(good_header(), good | {"exp": int(edge(7200)), "iat": int(edge(0)), name: int(edge(early))})
    if accepted:
        access_jwt.decode(token, edge(0))
    else:
        with pytest.raises(access_jwt.InvalidJWT):
            access_jwt.decode(token, edge(0))


def test_an_expired_token_says_so_over_http() -> None:
    program = make_program()
    with time_machine.travel(NOON, tick=False):
        token = program.grant()["access_token"]
    with time_machine.travel(edge(7200 + 29), tick=False):
        assert whoami(token).status_code == 200
    with time_machine.travel(edge(7200 + 30), tick=False):
        response = whoami(token)
        body = {"error": "API key has been revoked", "code": "token_expired"}
        assert (response.status_code, response.json()) == (401, body)
