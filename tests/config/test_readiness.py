"""/readyz: whether this server can serve, whatever it is called by, with one entry per store."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from config.http import health
from ratelimit import draining

pytestmark = pytest.mark.django_db
UNREACHABLE = "redis://127.0.0.1:1/0"


def ready(**headers: str) -> tuple[int, Any]:
    response = Client().get("/readyz", headers=headers)
    return response.status_code, response.json()


def test_it_is_ready_where_both_stores_answer() -> None:
    assert ready() == (200, {"status": "ok", "database": "ok", "redis": "ok"})


def test_without_redis_it_serves_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise health.redis.ConnectionError

    monkeypatch.setattr(health, "_ask_redis", fail)
    assert ready() == (200, {"status": "ok", "database": "ok", "redis": "down"})


def test_without_postgresql_it_cannot_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("the database is unavailable")

    monkeypatch.setattr(connection, "cursor", fail)
    assert ready() == (503, {"status": "unavailable", "database": "down", "redis": "ok"})


def test_a_server_about_to_stop_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "has_begun", lambda: True)
    assert ready() == (503, {"status": "draining", "database": "ok", "redis": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_balancers_ask_by_address_and_in_clear(path: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["tessera.example.com"]
    settings.SECURE = settings.SECURE_SSL_REDIRECT = True
    response = Client().get(path, headers={"Host": "10.0.0.7"})
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(response.content))
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer_get_and_head_only(path: str) -> None:
    assert Client().post(path).status_code in (403, 404, 405)
