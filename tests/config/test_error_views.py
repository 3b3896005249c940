"""Refusals and faults that people meet, the health check, and the plain-http refusal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory

from config.http.middleware import EdgeMiddleware
from tests.config.edge_urls import untouched

pytestmark = pytest.mark.urls("tests.config.edge_urls")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def test_healthz_asks_no_store_no_host_and_no_scheme(client: Client, settings: Any) -> None:
    settings.SECURE = True
    # Without the database mark, any statement would be an error.
    response = client.get("/healthz", headers={"Host": "10.0.0.7", "Cookie": "sessionid=abcdefghijkl"})
    assert response.status_code == 200
    assert response.content == b'{"status": "ok"}'
    assert client.head("/healthz").status_code == 200


def test_healthz_answers_get_only(client: Client) -> None:
    assert client.post("/healthz").status_code in (403, 404, 405)


def test_plain_http_to_the_api_is_refused_and_never_redirected(client: Client, settings: Any) -> None:
    settings.SECURE = True
    response = client.get("/api/echo", headers={"Authorization": "Bearer x"})
    assert response.status_code == 403
    assert response.json() == {
        "error": "HTTPS is required",
        "code": "https_required",
        "detail": "This API is served over https only. Replace a credential that was sent in clear.",
    }
    assert client.get("/api/echo", secure=True).status_code == 200


@pytest.mark.parametrize(
    ("name", "status", "heading"),
    [
        ("refused", 409, "Token limit reached"),
        ("suspicious", 400, "Invalid request"),
        ("database", 503, "Temporarily unavailable"),
        ("redis", 503, "Temporarily unavailable"),
        ("fault", 500, "Something went wrong"),
    ],
)
def test_a_page_needs_no_store_to_say_what_is_wrong(
    client: Client, name: str, status: int, heading: str
) -> None:
    response = client.get(f"/page/raise/{name}", headers={"X-Request-ID": "a-3"})
    page = response.content.decode()
    assert response.status_code == status
    assert re.search(r"<h1>(.*)</h1>", page).group(1) == heading  # type: ignore[union-attr]
    assert response.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert '<html lang="en"' in page
    assert "<main" in page
    assert re.search(r'<link rel="stylesheet" href="/static/tessera/base[^"]*css"', page)
    assert "a-3" in page
    assert "internal reason" not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "status", "heading"), [("denied", 403, "Permission denied"), ("missing", 404, "Not found")]
)
def test_refused_pages_stand_inside_the_site(client: Client, name: str, status: int, heading: str) -> None:
    user = get_user_model().objects.create_user(email="ann@example.com", password="a-good-password")
    for _ in ("a stranger", "a signed-in person"):
        response = client.get(f"/page/raise/{name}")
        assert response.status_code == status
        assert heading in response.content.decode()
        client.force_login(user)


def test_a_form_without_its_token_is_a_403_page(settings: Any) -> None:
    response = Client(enforce_csrf_checks=True).post("/page/form", {"a": "1"})
    assert response.status_code == 403
    assert "load the page again" in response.content.decode()


def test_a_multipart_body_that_cannot_be_read_is_a_400_page(client: Client) -> None:
    for media_type in (
        "multipart/form-data",
        "multipart/form-data; boundary=é",
        "multipart/form-data; boundary=",
    ):
        assert client.generic("POST", "/page/form", b"--x\r\n", media_type).status_code == 400


def test_a_form_of_a_thousand_fields_is_a_400_page(client: Client) -> None:
    body = "&".join(f"a{i}=1" for i in range(1_001)).encode()
    assert client.generic("POST", "/page/form", body, "application/x-www-form-urlencoded").status_code == 400


@pytest.mark.django_db
def test_a_page_for_somebody_signed_in_is_kept_by_no_cache(client: Client) -> None:
    client.force_login(get_user_model().objects.create_user(email="ann@example.com", password="x"))
    response = client.get("/page/personal")
    assert response.content == b"Hello ann@example.com"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_edge_itself_loads_no_session() -> None:
    # Without the database mark, loading it would be an error.
    request = RequestFactory().get("/page/untouched")
    request.session = SessionStore("abcdefghijklmnopqrstuvwxyz012345")
    response = EdgeMiddleware(untouched)(request)
    assert "Cache-Control" not in response.headers


@pytest.mark.django_db
def test_a_page_for_strangers_may_be_kept(client: Client) -> None:
    response = client.get("/page/personal")
    assert response.content == b"Hello AnonymousUser"
    assert "Cache-Control" not in response.headers
