"""One server of the store: its connections are kept between requests, without a lock on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.exceptions import AskError, MovedError
from redis.exceptions import ConnectionError as StoreConnectionError
from redis.retry import Retry

from ratelimit.conf import settings
from ratelimit.store.circuit_breaker import Breaker

T = TypeVar("T")

# A connection may outlive its server's demotion and promotion, which set its data back: asked this often,
# behind a command that is sent anyway.
CHECK_SECONDS = 1.0
HISTORY = b"*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n"


def connect(url: str) -> ConnectionPool:
    """A pool whose connections know the server that they reached, and its mode. Nothing is sent yet."""
    return ConnectionPool.from_url(
        url,
        protocol=2,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
        # A command that timed out may have been carried out: repeating it would charge twice.
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=identify,
    )


def identify(connection: Any) -> None:
    """Keep what tells this server's present data from any older: its run id, which every restart changes,
    and its history's, which every promotion does; and whether it clusters.
    """
    connection.on_connect()
    connection.send_packed_command([*connection.pack_command("INFO", "server"), HISTORY])
    info: str = connection.read_response().decode()
    connection.run_id = info.partition("run_id:")[2].partition("\r")[0] + _history(connection)
    connection.clustered = "redis_mode:cluster" in info
    connection.checked_at = time.monotonic()


def answer_of(connection: Any, command: bytes) -> Any:
    """The answer to a packed command; raises redis' ConnectionError where the data was set back meanwhile."""
    now = time.monotonic()
    due = now - connection.checked_at >= CHECK_SECONDS
    connection.send_packed_command([command, HISTORY] if due else [command])
    try:
        return connection.read_response()
    finally:
        if due:
            if not connection.run_id.endswith(_history(connection)):
                raise StoreConnectionError("The server was demoted and promoted since it was connected to.")
            connection.checked_at = now


def _history(connection: Any) -> str:
    info: str = connection.read_response().decode()
    return info.partition("master_replid:")[2].partition("\r")[0]


class Redirected(Exception):
    """The server has done nothing: another one keeps the key, or is about to (``asking``)."""

    def __init__(self, error: MovedError | AskError) -> None:
        super().__init__(str(error))
        self.host, self.port = error.host, error.port
        self.asking = isinstance(error, AskError)


class Server:
    """Lends a connection at a time, the last used first; a list's pop and append are atomic."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool
        self.breaker = Breaker()
        self._idle: list[Any] = []

    def ask(self, question: Callable[[Any], T]) -> T:
        """What ``question`` returns for a connection; raises StoreUnavailable or Elsewhere."""
        return self.breaker.call(self._ask, question)

    def _ask(self, question: Callable[[Any], T]) -> T:
        connection = self._take()
        try:
            answer = question(connection)
        except BaseException as problem:
            # An answer that arrives late must not be read as the next request's.
            connection.disconnect()
            if isinstance(problem, MovedError | AskError):
                raise Redirected(problem) from None
            self.forget()
            raise
        self._idle.append(connection)
        return answer

    def forget(self) -> None:
        """Close what is idle: what ended one connection has mostly ended the others as well."""
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _take(self) -> Any:
        connection: Any
        try:
            connection = self._idle.pop()
        except IndexError:
            # Not by the pool, which counts what it makes and would refuse after so many failures.
            connection = self.pool.connection_class(**self.pool.connection_kwargs)
            connection.connect()
            return connection
        try:
            sound = not connection.can_read()
        except StoreConnectionError:
            sound = False
        if not sound:
            # The server has closed it meanwhile: nothing was asked yet, so asking another is no repetition.
            connection.disconnect()
            connection.connect()
        return connection
