"""Health checks for balancers: liveness and readiness of this server."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import JsonResponse
from django_redis import get_redis_connection

from ratelimit import draining

NO_STORE = {"Cache-Control": "no-store"}


def healthz() -> JsonResponse:
    return JsonResponse({"status": "ok"}, headers=NO_STORE)


def readyz() -> JsonResponse:
    """One entry per store: ``{"status": …, "database": "ok", "redis": "down"}``.

    503 only if PostgreSQL is unreachable, or the server is about to stop. Without Redis everything is served
    from SQL, and a balancer that removed every server would cause an outage.
    """
    found = {"database": _state(_ask_database)}
    if settings.REDIS_URL:
        found["redis"] = _state(_ask_redis)
    status = "ok" if found["database"] == "ok" else "unavailable"
    if draining.has_begun():
        status = "draining"
    return JsonResponse({"status": status, **found}, status=200 if status == "ok" else 503, headers=NO_STORE)


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    get_redis_connection("default").ping()


def _state(ask: Callable[[], None]) -> str:
    try:
        ask()
    except (Error, redis.RedisError):
        return "down"
    return "ok"


PROBES = {"/healthz": healthz, "/readyz": readyz}
