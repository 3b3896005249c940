"""What every test stands on: an empty Redis, quick passwords, and the fixtures of the plugins named here.

The stores themselves are started by `tests.services`, before Django's settings are read.
"""

from __future__ import annotations

import hypothesis
import pytest
import redis
from django.conf import settings

from config.postgres.pool import Connection
from ratelimit import store
from tests import emptying
from tokens.memory import memory

pytest_plugins = ["tests.browsers", "tests.fixtures", "tests.servers", "tests.gateways.missing"]

# How long an example takes says nothing on a machine that runs other tests at the same time.
hypothesis.settings.register_profile("tessera", deadline=None)
hypothesis.settings.load_profile("tessera")


def pytest_configure() -> None:
    emptying.quicken()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test client builds its own chain of middleware, which would list every static file once more.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def redis_client() -> redis.Redis:
    """This worker's own Redis database, past the product's client."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)


@pytest.fixture(autouse=True)
def _empty_redis(redis_client: redis.Redis) -> None:
    redis_client.flushdb()
    memory.clear()
    # What one test has done to the store must not keep the next from asking it.
    store.servers().close_breakers()
    # Importing what gunicorn serves hurries this process too, and crowds wait for each other here.
    Connection.longest = None
