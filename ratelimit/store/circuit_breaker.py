"""What a store's failures mean for the requests after them."""

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
        metrics.BREAKER_OPEN.set(0)

    def _fail(self) -> None:
        self.failures += 1
        metrics.STORE_ERRORS("redis").inc()
        if self.failures >= settings.REDIS_BREAKER_FAILURES:
            metrics.BREAKER_OPEN.set(1)
            self.open_until = time.monotonic() + settings.REDIS_BREAKER_SECONDS
