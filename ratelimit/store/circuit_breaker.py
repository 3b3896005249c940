"""Circuit breaker: after a failure of Redis, requests skip it for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import redis

from ratelimit import metrics
from ratelimit.conf import settings

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class StoreUnavailable(Exception):
    """Redis did not answer, or is not configured. The command may have been carried out."""


class Breaker:
    """Opens for REDIS_BREAKER_SECONDS after REDIS_BREAKER_FAILURES, so that a slow Redis slows few requests.

    Then one request tries Redis, while the others still skip it.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.open_until = 0.0

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function; raises StoreUnavailable for its RedisError, or while the breaker is open."""
        if self.open_until:
            now = time.monotonic()
            if now < self.open_until:
                raise StoreUnavailable
            self.open_until = now + settings.REDIS_BREAKER_SECONDS
        try:
            answer = function(*args, **kwargs)
        except redis.RedisError as problem:
            self._fail()
            logger.warning("Redis does not answer, limits are counted in SQL: %r", problem)
            raise StoreUnavailable from problem
        if self.failures:
            self.close()
            logger.warning("Redis answers again")
        return answer

    def close(self) -> None:
        self.failures, self.open_until = 0, 0.0
        metrics.BREAKER_OPEN.set(0)

    def _fail(self) -> None:
        self.failures += 1
        metrics.STORE_ERRORS("redis").inc()
        if self.failures >= settings.REDIS_BREAKER_FAILURES:
            metrics.BREAKER_OPEN.set(1)
            self.open_until = time.monotonic() + settings.REDIS_BREAKER_SECONDS
