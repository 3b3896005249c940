"""What a balancer asks: is this server ready to be sent requests. (``/healthz`` is the edge's.)"""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection

from ratelimit import counted


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200, or 503 with one entry per store: ``{"status": …, "database": "ok", "redis": "down"}``.

    Its status is ``draining`` once the server is about to stop, whatever the stores say.
    """
    found = {"database": _state(_ask_database)}
    if settings.REDIS_URL:
        found["redis"] = _state(_ask_redis)
    status = "ok" if all(state == "ok" for state in found.values()) else "unavailable"
    if counted.DRAINING.number:
        status = "draining"
    return JsonResponse({"status": status, **found}, status=200 if status == "ok" else 503)


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
