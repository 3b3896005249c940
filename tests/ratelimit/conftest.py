"""The store or SQL alone, a Redis of the test's own to be broken, and a count of round trips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from redis.connection import AbstractConnection

from ratelimit import store
from tests.ratelimit.own_redis import OwnRedis


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is back is asked again at once, and no test opens another's breaker."""
    monkeypatch.setattr(store, "BREAKER_SECONDS", 0.0)
    monkeypatch.setattr(store.breaker, "open_until", 0.0)


@pytest.fixture(params=["redis", "sql"])
def backend(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The test runs twice: with the store, and without one."""
    if request.param == "sql":
        settings.REDIS_URL = ""
    return str(request.param)


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was sent to Redis, one entry for each time that an answer is waited for."""
    sent: list[bytes] = []
    send: Callable[..., None] = AbstractConnection.send_packed_command

    def counting(self: AbstractConnection, command: Any, check_health: bool = True) -> None:
        sent.append(command if isinstance(command, bytes) else b"".join(command))
        send(self, command, check_health)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)
    return sent


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[OwnRedis]:
    """A running Redis that the product uses in this test, and that the test may stop, kill or wind back."""
    server = OwnRedis(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": server.url}}
    yield server
    server.kill()
