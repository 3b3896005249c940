"""/internal/*: opened by the configured tokens, two at once, and by nothing else; they open nothing else."""

from __future__ import annotations

import datetime as dt
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts.drf.routes import routes
from accounts.models import Membership
from accounts.notifications import outbox
from accounts.notifications.email import Email
from ratelimit.models import DailyUsage
from tests.support.clients import program
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.sessions import make_person, session_of
from tokens.credentials import internal
from tokens.crypto import opaque

pytestmark = pytest.mark.django_db
OLD, NEW = "internal-token-before-the-rotation-0123", "internal-token-after-the-rotation-45678"
METRICS, HOUSEKEEPING = "/internal/metrics", "/internal/housekeeping"


@pytest.fixture(autouse=True)
def tokens(settings: Any) -> None:
    settings.INTERNAL_TOKENS = [OLD, NEW]


def figures(client: Any) -> dict[str, float]:
    response = client.get(METRICS)
    assert response.status_code == 200
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("token", [OLD, NEW])
def test_either_of_two_tokens_opens_it(token: str) -> None:
    assert program(token).get(METRICS).status_code == 200
    assert program(token).post(HOUSEKEEPING).status_code == 200


@pytest.mark.parametrize("same", [slice(None, 16), slice(16, None)], ids=["first half", "second half"])
def test_the_whole_digest_is_compared(monkeypatch: pytest.MonkeyPatch, same: slice) -> None:
    """Two strings whose digests share a half, which a shortened comparison would accept."""

    def digest(raw: str) -> bytes:
        found = bytearray(sha256(raw.encode()).digest())
        found[same] = bytes(16)
        return bytes(found)

    internal._digests.cache_clear()
    monkeypatch.setattr(internal.opaque, "digest", digest)
    assert internal.matches(OLD)
    assert not internal.matches("another-token-of-more-than-32-characters")
    internal._digests.cache_clear()


def test_without_any_configured_nothing_opens_it(settings: Any) -> None:
    settings.INTERNAL_TOKENS = []
    for token in (OLD, "", "None"):
        assert program(token).get(METRICS).status_code == 401


HALF = len(OLD) // 2


@pytest.mark.parametrize(
    "spoiled",
    [
        OLD[:HALF] + NEW[HALF:],
        NEW[:HALF] + OLD[HALF:],
        OLD[:HALF] + "x" * (len(OLD) - HALF),
        OLD[:-1],
        OLD + "x",
        OLD.upper(),
        f"{OLD},{NEW}",
        "é" * 40,
        "1" * 40,
        "\xff" * 40,
    ],
)
def test_nothing_but_the_exact_token_opens_it(spoiled: str) -> None:
    response = program(spoiled).get(METRICS)
    assert response.status_code == 401
    assert response.json() == {"error": "Invalid API key", "code": "invalid_token"}


def test_no_other_kind_of_credential_opens_it() -> None:
    person = make_person()
    for client in (program(make_token(person, permissions=["*:*:*"])), session_of(person)):
        for response in (client.get(METRICS), client.post(HOUSEKEEPING)):
            assert response.status_code == 401
            assert response.json()["code"] == "invalid_token"
    browser = Client()
    browser.force_login(person.user)
    assert browser.get(METRICS).status_code == 401


@pytest.mark.parametrize("token", [OLD, "A" * opaque.LONG_LENGTH, "tsr_sa_" + "A" * opaque.PREFIXED_LENGTH])
def test_an_internal_token_opens_no_other_path_of_the_api(settings: Any, token: str) -> None:
    settings.INTERNAL_TOKENS = [token]
    client, asked = program(token), 0
    for route in routes():
        path = f"/{route.path}"
        if not path.startswith(settings.API_PREFIXES) or path.startswith("/internal/") or route.is_public:
            continue
        for method in ("get", "post", "patch", "delete"):
            if hasattr(route.view, method):
                response = getattr(client, method)(path.replace("<str:", "").replace(">", ""))
                assert response.status_code == 401, (method, path)
                asked += 1
    assert asked > 20


def test_a_wrong_method_and_an_unknown_path_are_told_as_such() -> None:
    client = program(OLD)
    assert client.post(METRICS).status_code == 405
    assert client.get(HOUSEKEEPING).status_code == 405
    assert client.get("/internal/unknown").status_code == 404


def test_any_accept_header_gets_the_figures() -> None:
    for accept in ("text/plain", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "*/*"):
        response = program(OLD).get(METRICS, headers={"Accept": accept})
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/plain")


def test_the_figures_are_counted_from_the_stores() -> None:
    owner = make_member(make_organization(plan=make_plan("hundred", 100)))
    make_organization(suspended_at=dt.datetime.now(dt.UTC))
    client = program(make_token(owner))
    session_of(owner)
    for _ in range(3):
        client.get("/api/auth/whoami")
    outbox.enqueue_for_housekeeping(
        Email("", ()), ["a@example.com"], now=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    )
    found = figures(program(OLD))
    assert found["tessera_mail_unsent"] == 1
    assert found["tessera_mail_given_up"] == 0
    assert 3600 <= found["tessera_mail_oldest_unsent_seconds"] < 4000
    assert found["tessera_organizationsactive"] == 1
    assert found["tessera_organizationssuspended"] == 1
    assert found["tessera_people"] == 1
    assert found["tessera_tokens_active"] == 1
    assert found["tessera_grants_activesession"] == 1
    assert found["tessera_grants_activeclient"] == 0
    assert found["tessera_calls_today"] == 3
    assert 3 <= found["tessera_reserved_today"] <= 100
    assert found["tessera_usage_undrained_calls"] == 3
    assert found["tessera_store_up"] == 1


def test_housekeeping_drains_and_may_be_repeated() -> None:
    client = program(make_token(make_member()))
    client.get("/api/auth/whoami")
    ours = program(OLD)
    for _ in range(2):
        assert ours.post(HOUSEKEEPING).json() == {"drained": 1}
        assert sum(DailyUsage.objects.values_list("calls", flat=True)) == 1
    found = figures(ours)
    assert found["tessera_usage_undrained_calls"] == 0
    assert found["tessera_calls_today"] == 1


def test_without_redis_everything_is_in_sql(settings: Any) -> None:
    settings.REDIS_URL = ""
    client = program(make_token(make_member()))
    client.get("/api/auth/whoami")
    assert program(OLD).post(HOUSEKEEPING).json() == {"drained": 0}
    assert figures(program(OLD))["tessera_calls_today"] == 1


def test_an_unavailable_store_shows_in_the_figures(settings: Any) -> None:
    # No other test uses this URL: its circuit breaker is closed at first, and then open for all of the test.
    settings.REDIS_URL, settings.REDIS_BREAKER_SECONDS = "redis://127.0.0.1:1/9", 3600
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": settings.REDIS_URL}}
    found = figures(program(OLD))
    assert found["tessera_store_up"] == 0
    assert "tessera_usage_undrained_calls" not in found
    after = figures(program(OLD))
    assert after["tessera_store_breaker_open"] == 1
    assert after["tessera_store_errors_totalredis"] > found["tessera_store_errors_totalredis"]
    response = program(OLD).post(HOUSEKEEPING)
    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"


def test_figures_are_not_charged_to_anybody(owner: Membership) -> None:
    response = program(OLD).get(METRICS)
    assert "X-RateLimit-Limit" not in response
    assert "RateLimit" not in response
