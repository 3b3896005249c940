"""A Redis of the test's own to be broken, as for the limiter's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.ratelimit.own_redis import OwnRedis


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[OwnRedis]:
    """A running Redis that the product uses in this test, and asks again at once after a failure."""
    server = OwnRedis(tmp_path)
    server.start()
    settings.REDIS_BREAKER_SECONDS = 0.0
    settings.REDIS_URL = server.url
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": server.url}}
    yield server
    server.kill()
