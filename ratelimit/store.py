"""The shared store: one atomic script a call on a pooled connection, and a breaker before it."""

from __future__ import annotations

import logging
import time
from functools import cached_property
from hashlib import sha1
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django_redis import get_redis_connection
from redis.connection import Connection, ConnectionPool
from redis.exceptions import NoScriptError

logger = logging.getLogger(__name__)

# After a failure the store is left alone this long, so that a slow store slows one request and not all.
BREAKER_SECONDS = 1.0


class StoreUnavailable(Exception):
    """The store cannot answer now, or there is none; whatever it was asked may have happened."""


class Pool(ConnectionPool):
    """Connections that know the run id of the server they ended up with."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "redis_connect_func": remember_run})


def remember_run(connection: Connection) -> None:
    """Greet the server and keep its run id: it changes with every restart and failover."""
    connection.on_connect()
    connection.send_command("INFO", "server")
    info: str = connection.read_response().decode()  # type: ignore[no-untyped-call]
    connection.run_id = info.partition("run_id:")[2].partition("\r")[0]  # type: ignore[attr-defined]


class Script:
    """A Lua file run by its digest, and sent whole where the server does not know it yet."""

    def __init__(self, name: str) -> None:
        self.path = Path(__file__).with_name(name)

    @cached_property
    def source(self) -> str:
        return self.path.read_text()

    @cached_property
    def sha(self) -> str:
        return sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: list[str], arguments: list[Any], *, with_run: bool = False) -> list[Any]:
        """One round trip; raise StoreUnavailable. It is never repeated, for it may have been carried out."""
        try:
            return breaker.call(self._send, keys, arguments, with_run)
        except redis.RedisError as problem:
            raise StoreUnavailable from problem

    def _send(self, keys: list[str], arguments: list[Any], with_run: bool) -> list[Any]:
        pool = get_redis_connection("default").connection_pool
        connection = pool.get_connection()
        try:
            if with_run:
                arguments = [connection.run_id, *arguments]
            try:
                return self._ask(connection, "EVALSHA", self.sha, keys, arguments)
            except NoScriptError:
                return self._ask(connection, "EVAL", self.source, keys, arguments)
        except BaseException:
            # An answer that arrives late must not be read as the next request's.
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    @staticmethod
    def _ask(connection: Any, command: str, script: str, keys: list[str], arguments: list[Any]) -> list[Any]:
        connection.send_command(command, script, len(keys), *keys, *arguments)
        answer: list[Any] = connection.read_response()
        return answer


class Breaker:
    """Open for a moment after a failure; a failure is logged once per opening."""

    def __init__(self) -> None:
        self.open_until = 0.0

    def call(self, function: Any, *arguments: Any) -> Any:
        if not settings.REDIS_URL or time.monotonic() < self.open_until:
            raise StoreUnavailable
        try:
            return function(*arguments)
        except redis.RedisError as problem:
            self.open_until = time.monotonic() + BREAKER_SECONDS
            logger.warning("The store does not answer, limits are counted in SQL: %s", type(problem).__name__)
            raise


breaker = Breaker()
meter = Script("meter.lua")
window = Script("window.lua")
