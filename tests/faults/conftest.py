"""Stores that the tests may break, and servers on them; the test itself looks into the same stores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from ratelimit.store import client
from tests.faults.load import Caller
from tests.faults.own_postgres import PASSWORD, OwnPostgres
from tests.faults.rounds import DATABASE_TIMEOUT, REDIS_TIMEOUT
from tests.ratelimit.store.own_redis import LASTING, OwnRedis
from tests.support.servers import Server, Servers
from tests.support.stores.__main__ import scratch_folder

MANY = str(10**9)


@dataclass(frozen=True)
class World:
    """Two servers of one process each (or what ``servers`` is asked for) on stores of their own."""

    postgres: OwnPostgres
    redis: OwnRedis
    servers: Servers

    @property
    def pair(self) -> list[Server]:
        return self.servers(2)


@pytest.fixture(scope="session")
def _stores() -> Iterator[tuple[OwnPostgres, OwnRedis, Path]]:
    with ExitStack() as cleanup:
        scratch = scratch_folder()
        cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
        folder = scratch / "redis"
        folder.mkdir()
        redis = OwnRedis(folder, LASTING, PASSWORD)
        cleanup.callback(redis.kill)
        redis.start()
        postgres = OwnPostgres(scratch)
        cleanup.callback(postgres.crash)
        yield postgres, redis, scratch


@pytest.fixture(scope="session")
def _fault_servers(_stores: tuple[OwnPostgres, OwnRedis, Path]) -> Iterator[Servers]:
    postgres, redis, folder = _stores
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis.url,
        "SECRET_KEY": settings.SECRET_KEY,
        # Whom a session's token names as its issuer, whichever server is asked.
        "BASE_URL": settings.BASE_URL,
        "HOUSEKEEPING": "0",
        "WEB_CONCURRENCY": "1",
        "DATABASE_POOL_SIZE": "8",
        "REDIS_TIMEOUT_SECONDS": str(REDIS_TIMEOUT),
        "DATABASE_CONNECT_SECONDS": str(DATABASE_TIMEOUT),
        "DATABASE_TIMEOUT_SECONDS": str(DATABASE_TIMEOUT),
        "REFUSALS_PER_MINUTE": MANY,
        "REFRESHES_PER_MINUTE": MANY,
        "SIGN_INS_PER_MINUTE": MANY,
        "SESSION_REQUESTS_PER_MINUTE": MANY,
    }
    running = Servers(folder, environment)
    yield running
    running.kill()


@pytest.fixture(scope="module")
def world(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    _stores: tuple[OwnPostgres, OwnRedis, Path],
    _fault_servers: Servers,
) -> Iterator[World]:
    postgres, redis, _ = _stores
    caches = {"default": settings.CACHES["default"] | {"LOCATION": redis.url}}
    with (
        django_db_blocker.unblock(),
        database_at(postgres.url),
        override_settings(REDIS_URL=redis.url, CACHES=caches),
    ):
        call_command("migrate", verbosity=0, interactive=False)
        yield World(postgres, redis, _fault_servers)


@pytest.fixture(autouse=True)
def _own_connection_anew(world: World) -> Iterator[None]:
    """What a test has done to the stores it has done to this process' connections as well."""
    connection.close()
    client.cluster().of("any").forget()
    yield
    connection.close()
    # A failed test may have left it stopped, and must not fail the others.
    world.redis.resume()


@pytest.fixture
def callers(world: World) -> Iterator[list[Caller]]:
    """A connection to each of the pair."""
    with ExitStack() as cleanup:
        yield [cleanup.enter_context(Caller(server)) for server in world.pair]


@contextmanager
def database_at(url: str) -> Iterator[None]:
    """This process on another database for a while."""
    parts = urlsplit(url)
    there = {
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.lstrip("/"),
    }
    described = connection.settings_dict
    here = {name: described[name] for name in there}
    move(there)
    try:
        yield
    finally:
        move(here)


def move(place: Mapping[str, Any]) -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict.update(place)
