"""The store or SQL alone, a Redis of the test's own to be broken, and a count of round trips."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.ratelimit.store.own_redis import own_redis

__all__ = ["own_redis"]


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
