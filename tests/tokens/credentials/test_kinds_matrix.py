"""Every kind of secret at every endpoint: each is accepted where it belongs, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import PASSWORD, make_token
from tests.support.sessions import make_person, opened
from tests.tokens.oauth import calls
from tests.tokens.oauth.calls import Program, make_program
from tokens.models import Grant, GrantKind, RefreshToken

pytestmark = pytest.mark.django_db
INTERNAL = "an-internal-token-of-more-than-32-characters"


@dataclass(frozen=True)
class House:
    """One organization with a secret of every kind."""

    person: Membership
    program: Program
    secrets: dict[str, str]


@pytest.fixture
def house(settings: Any) -> House:
    settings.INTERNAL_TOKENS = [INTERNAL]
    person = make_person(email="ada@example.com")
    client = make_program(person)
    session, granted, answer = opened(person), opened(person, GrantKind.PASSWORD), client.grant()
    secrets = {
        "service-account token": make_token(person, permissions=["*:*:*"]).plaintext,
        "session JWT": session.access_token,
        "password-grant JWT": granted.access_token,
        "client JWT": answer["access_token"],
        "internal token": INTERNAL,
        "session refresh token": session.refresh_token,
        "password-grant refresh token": granted.refresh_token,
        "client refresh token": answer["refresh_token"],
        "client secret": client.secret,
        "client id": client.id,
        "publishable key": person.organization.publishable_key,
        "password": PASSWORD,
    }
    return House(person, client, secrets)


def json_post(path: str, body: dict[str, str], **headers: str) -> Any:
    return Client(headers=headers).post(path, body, content_type="application/json")


def as_bearer(path: str) -> Callable[[House, str], Any]:
    return lambda house, secret: program(secret).get(path)


ENDPOINTS: dict[str, tuple[Callable[[House, str], Any], set[str]]] = {
    "resource API": (
        as_bearer("/api/auth/whoami"),
        {"service-account token", "session JWT", "password-grant JWT", "client JWT"},
    ),
    "forward authentication": (
        # As Envoy asks, whose yes is a 200.
        as_bearer("/api/auth/verify/envoy"),
        {"service-account token", "session JWT", "password-grant JWT", "client JWT"},
    ),
    "sessions": (as_bearer("/v1/auth/sessions"), {"session JWT", "password-grant JWT"}),
    "internal": (as_bearer("/internal/metrics"), {"internal token"}),
    "admin": (as_bearer("/admin/"), set()),
    "settings page": (as_bearer("/settings/tokens/"), set()),
    "session refresh": (
        lambda house, secret: json_post("/v1/auth/refresh", {"refresh_token": secret}),
        {"session refresh token"},
    ),
    "password-grant refresh": (
        lambda house, secret: json_post("/auth/v1/token?grant_type=refresh_token", {"refresh_token": secret}),
        {"password-grant refresh token"},
    ),
    "OAuth refresh": (
        lambda house, secret: house.program.refresh(secret),
        {"client refresh token"},
    ),
    "OAuth client authentication": (
        lambda house, secret: calls.ask(
            grant_type="client_credentials", client_id=house.program.id, client_secret=secret
        ),
        {"client secret"},
    ),
    "password of a sign-in": (
        lambda house, secret: json_post("/v1/auth/login", {"email": "ada@example.com", "password": secret}),
        {"password"},
    ),
    "apikey of the password grant": (
        lambda house, secret: json_post(
            "/auth/v1/token?grant_type=password",
            {"email": "ada@example.com", "password": PASSWORD},
            apikey=secret,
        ),
        {"publishable key"},
    ),
    "bearer in the query": (
        lambda house, secret: Client().get(f"/api/auth/whoami?access_token={secret}"),
        set(),
    ),
    "bearer in a cookie": (
        lambda house, secret: Client(headers={"Cookie": f"access_token={secret}"}).get("/api/auth/whoami"),
        set(),
    ),
    "apikey of the resource API": (
        lambda house, secret: Client(headers={"apikey": secret}).get("/api/auth/whoami"),
        set(),
    ),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_accepts_its_own_kind_only(house: House, endpoint: str, settings: Any) -> None:
    settings.SIGN_INS_PER_ACCOUNT = 100
    enter, accepts = ENDPOINTS[endpoint]
    for kind, secret in house.secrets.items():
        status = enter(house, secret).status_code
        if kind in accepts:
            assert status == 200, (kind, endpoint)
        else:
            assert status in (302, 400, 401, 403), (kind, endpoint, status)
            assert status != 302 or endpoint in ("admin", "settings page")


def test_no_wrong_endpoint_ends_a_family(house: House, settings: Any) -> None:
    settings.SIGN_INS_PER_ACCOUNT = 100
    for enter, accepts in ENDPOINTS.values():
        for kind, secret in house.secrets.items():
            if kind not in accepts:
                enter(house, secret)
    assert not Grant.objects.exclude(revoked_at=None).exists()
    assert not RefreshToken.objects.exclude(used_at=None).exists()
