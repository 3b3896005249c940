"""Browsers on other hosts: nothing by default; by setting, bearers from named origins, and frames."""

from __future__ import annotations

from typing import Any

import pytest
from corsheaders.defaults import default_headers
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.config.test_start import manage
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.support.servers import Servers

ORIGIN = "https://app.example.com"
CORS = "config.http.cors.CorsMiddleware"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture
def allowed(settings: Any) -> None:
    """What settings.py makes of CORS_ALLOWED_ORIGINS."""
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.MIDDLEWARE = [CORS, *settings.MIDDLEWARE]


def allow_headers(response: Any) -> list[str]:
    return [name for name in response.headers if name.startswith("Access-Control-")]


def test_nothing_is_allowed_by_default(client: Client) -> None:
    assert CORS not in django_settings.MIDDLEWARE
    for response in (
        client.options("/v1/auth/login", headers=PREFLIGHT),
        client.get("/api/auth/whoami", headers={"Origin": ORIGIN}),
    ):
        assert allow_headers(response) == []


def test_a_preflight_costs_no_store(
    db: None, allowed: None, settings: Any, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_assert_num_queries(0):
        response = client.options("/api/v1/tokens", headers=PREFLIGHT | {"Authorization": "Bearer x"})
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert response["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert response["Access-Control-Max-Age"] == "7200"


@pytest.mark.parametrize(
    "asked",
    [
        "x-supabase-api-version, x-client-info, apikey, authorization",
        "traceparent,tracestate,baggage,sentry-trace",
        "X-Anything-At-All",
    ],
)
def test_any_header_may_be_sent_from_an_allowed_origin(allowed: None, client: Client, asked: str) -> None:
    preflight = PREFLIGHT | {"Access-Control-Request-Headers": asked}
    response = client.options("/auth/v1/token", headers=preflight)
    assert response["Access-Control-Allow-Headers"] == asked.lower()
    assert "access-control-request-headers" in response["Vary"].lower()
    elsewhere = client.options("/auth/v1/token", headers=preflight | {"Origin": "https://evil.example.com"})
    assert allow_headers(elsewhere) == []


@pytest.mark.parametrize("asked", ["a b", "a,,b", "a\tb", "x" * 3_000, "é", ""])
def test_what_are_no_names_of_headers_is_not_echoed(allowed: None, client: Client, asked: str) -> None:
    preflight = PREFLIGHT | {"Access-Control-Request-Headers": asked}
    names = client.options("/auth/v1/token", headers=preflight)["Access-Control-Allow-Headers"].split(", ")
    assert set(names) == set(default_headers)


@pytest.mark.django_db
def test_an_allowed_origin_reads_the_answer_and_its_limits(allowed: None) -> None:
    response = program(make_token(make_member())).get("/api/auth/whoami", headers={"Origin": ORIGIN})
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert "origin" in response["Vary"].lower()
    exposed = response["Access-Control-Expose-Headers"].split(", ")
    for name in ("X-RateLimit-Remaining", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"):
        assert name in exposed


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/auth/whoami", "/v1/auth/sessions", "/api/" + "x" * 5000])
def test_an_allowed_origin_reads_a_refusal(allowed: None, client: Client, path: str) -> None:
    response = client.get(path, headers={"Origin": ORIGIN})
    assert response.status_code in (401, 414)
    assert response["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.django_db
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example.com",
        "http://app.example.com",
        "https://app.example.com.evil.com",
        "https://app.example.com:8443",
        "https://xapp.example.com",
        "",
    ],
)
def test_no_other_origin_is_allowed(allowed: None, client: Client, origin: str) -> None:
    for response in (
        client.get("/api/auth/whoami", headers={"Origin": origin}),
        client.options("/api/auth/whoami", headers=PREFLIGHT | {"Origin": origin}),
    ):
        assert allow_headers(response) == []


@pytest.mark.django_db
def test_credentials_of_the_browser_are_never_allowed(allowed: None, client: Client) -> None:
    client.force_login(make_member().user)
    response = client.get("/api/auth/whoami", headers={"Origin": ORIGIN})
    assert response.status_code == 401
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/settings/tokens/", "/admin/", "/internal/metrics"])
def test_pages_and_internal_paths_are_not_shared(allowed: None, client: Client, path: str) -> None:
    assert allow_headers(client.get(path, headers={"Origin": ORIGIN})) == []
    assert allow_headers(client.options(path, headers=PREFLIGHT)) == []


@pytest.mark.parametrize(
    "origin", ["*", "null", "app.example.com", "https://app.example.com/", "https://*.example.com"]
)
def test_what_is_no_origin_stops_the_start(origin: str) -> None:
    refused = manage("check", CORS_ALLOWED_ORIGINS=origin)
    assert refused.returncode != 0
    assert "CORS_ALLOWED_ORIGINS must" in refused.stderr.splitlines()[-1]


def frame_headers(url: str) -> tuple[str | None, str]:
    from urllib.request import urlopen  # noqa: PLC0415

    with urlopen(f"{url}/accounts/login/") as answer:
        policy = answer.headers["Content-Security-Policy"].split("; ")
        return answer.headers["X-Frame-Options"], next(p for p in policy if p.startswith("frame-ancestors"))


@pytest.mark.django_db(transaction=True)
def test_no_site_frames_ours_but_those_that_are_named(servers: Servers) -> None:
    [closed] = servers(1)
    assert frame_headers(closed.url) == ("DENY", "frame-ancestors 'none'")
    [open_to_one] = servers(1, FRAME_ANCESTORS=ORIGIN, CORS_ALLOWED_ORIGINS=ORIGIN)
    assert frame_headers(open_to_one.url) == (None, f"frame-ancestors {ORIGIN}")
