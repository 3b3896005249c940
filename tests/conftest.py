"""What every test has: an empty Redis, quick passwords, and the fixtures of the plugins named here.

The stores themselves are started by `tests.support.services`, before Django's settings are read.
"""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from accounts.notifications.threads import threads
from config.postgres.pool import Connection
from ratelimit.statistics.observations import gatherer
from ratelimit.store import client
from tests.support import emptying
from tokens.credentials.cache import credential_cache
from tokens.credentials.known_digests import known_digests
from tokens.credentials.refusal_limits import refusal_limiter

pytest_plugins = [
    "tests.support.browsers",
    "tests.support.fixtures",
    "tests.support.scheduling",
    "tests.support.servers",
    "tests.gateways.missing",
]

# How long an example takes says nothing on a machine that runs other tests at the same time.
hypothesis.settings.register_profile("tessera", deadline=None, max_examples=40)
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


@pytest.fixture(scope="session", autouse=True)
def _alone_at_the_end(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database with open connections cannot be dropped."""
    yield
    # Tests that need no database have made none.
    if connection.vendor == "postgresql" and connection.settings_dict["NAME"].startswith("test_"):
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _empty_redis(redis_client: redis.Redis) -> None:
    redis_client.flushdb()
    credential_cache.clear()
    refusal_limiter.clear()
    known_digests.clear()
    threads.resume()
    gatherer.forget()
    # What one test has done to the store must not keep the next from asking it.
    client.cluster().close_breakers()
    # Importing what gunicorn serves hurries this process too, and crowds wait for each other here.
    Connection.longest = None
