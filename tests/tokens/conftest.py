"""A Redis of the test's own to be broken, as for the limiter's tests."""

from tests.ratelimit.store.own_redis import own_redis

__all__ = ["own_redis"]
