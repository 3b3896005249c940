"""The shared store: one atomic script a call on a pooled connection, and a breaker before it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from hashlib import sha1
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import redis
from django.conf import settings
from django_redis import get_redis_connection
from hiredis import pack_command
from redis.exceptions import NoScriptError

from ratelimit import counted
from ratelimit.connections import Idle

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class StoreUnavailable(Exception):
    """The store cannot answer now, or there is none; whatever it was asked may have happened."""


class Breaker:
    """Leaves a failing store alone for a moment, so that a slow one slows a request and not all.

    Then one request finds out, while the others still go without.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.open_until = 0.0

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns; raises StoreUnavailable for its RedisError, or while waiting."""
        if not settings.REDIS_URL:
            raise StoreUnavailable
        if self.open_until:
            now = time.monotonic()
            if now < self.open_until:
                raise StoreUnavailable
            self.open_until = now + settings.REDIS_BREAKER_SECONDS
        try:
            answer = function(*args, **kwargs)
        except redis.RedisError as problem:
            self._fail()
            logger.warning("The store does not answer, limits are counted in SQL: %r", problem)
            raise StoreUnavailable from problem
        if self.failures:
            self.close()
            logger.warning("The store answers again")
        return answer

    def close(self) -> None:
        self.failures, self.open_until = 0, 0.0
        counted.BREAKER_OPEN.put(False)

    def _fail(self) -> None:
        self.failures += 1
        counted.STORE_ERRORS.add("redis")
        if self.failures >= settings.REDIS_BREAKER_FAILURES:
            counted.BREAKER_OPEN.put(True)
            self.open_until = time.monotonic() + settings.REDIS_BREAKER_SECONDS


breaker = Breaker()


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
        """One round trip; raise StoreUnavailable. It is never repeated, for it may have been carried out.

        ``with_run`` puts the run id of the very server that executes it before the arguments.
        """
        return breaker.call(self._run, keys, arguments, with_run)

    def _run(self, keys: list[str], arguments: list[Any], with_run: bool) -> list[Any]:
        idle = _idle(settings.REDIS_URL)
        connection = idle.take()
        try:
            if with_run:
                arguments = [connection.run_id, *arguments]
            try:
                answer = self._ask(connection, "EVALSHA", self.sha, keys, arguments)
            except NoScriptError:
                answer = self._ask(connection, "EVAL", self.source, keys, arguments)
        except BaseException:
            # An answer that arrives late must not be read as the next request's.
            connection.disconnect()
            raise
        idle.put_back(connection)
        return answer

    @staticmethod
    def _ask(connection: Any, command: str, script: str, keys: list[str], arguments: list[Any]) -> list[Any]:
        # redis-py's own packing splits and copies what hiredis takes as it is.
        connection.send_packed_command([pack_command((command, script, len(keys), *keys, *arguments))])
        answer: list[Any] = connection.read_response()
        return answer


def ask(*commands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Commands in one round trip: the server's run id, and an answer for each; raise StoreUnavailable."""
    return breaker.call(_pipeline, commands)


def _pipeline(commands: tuple[tuple[Any, ...], ...]) -> tuple[str, list[Any]]:
    idle = _idle(settings.REDIS_URL)
    connection = idle.take()
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        answers = [connection.read_response() for _ in commands]
    except BaseException:
        connection.disconnect()
        raise
    idle.put_back(connection)
    return connection.run_id, answers


@lru_cache(maxsize=8)
def _idle(url: str) -> Idle:
    """Those of the server that the settings name; ``url`` is only the key."""
    return Idle(get_redis_connection("default").connection_pool)


meter = Script("meter.lua")
window = Script("window.lua")
fence = Script("fence.lua")
