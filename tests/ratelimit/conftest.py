"""The store or SQL alone, a Redis of the test's own to be broken, and a count of round trips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.ratelimit.own_redis import OwnRedis


@pytest.fixture(autouse=True)
def _impatient(settings: Settings) -> None:
    """A store that is back is asked again at once."""
    settings.REDIS_BREAKER_SECONDS = 0.0


@pytest.fixture(params=["redis", "sql"])
def backend(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The test runs twice: with the store, and without one."""
    if request.param == "sql":
        settings.REDIS_URL = ""
    return str(request.param)


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[OwnRedis]:
    """A running Redis that the product uses in this test, and that the test may stop, kill or wind back."""
    server = OwnRedis(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": server.url}}
    yield server
    server.kill()
