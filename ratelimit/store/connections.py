"""Persistent connections to one Redis server, borrowed without a lock."""

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

# A server may be demoted and promoted again while a connection is open, which sets its data back. The
# connection checks this often, in the round trip of another command.
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
    """Store the server's run ID (new after a restart) with its replication ID (new after a promotion), which
    together identify its data, and whether it is in cluster mode.
    """
    connection.on_connect()
    connection.send_packed_command([*connection.pack_command("INFO", "server"), HISTORY])
    info: str = connection.read_response().decode()
    connection.run_id = info.partition("run_id:")[2].partition("\r")[0] + _history(connection)
    connection.clustered = "redis_mode:cluster" in info
    connection.checked_at = time.monotonic()


def answer_of(connection: Any, command: bytes) -> Any:
    """Return the answer to a packed command; raises redis' ConnectionError if the data was set back."""
    now = time.monotonic()
    due = now - connection.checked_at >= CHECK_SECONDS
    connection.send_packed_command([command, HISTORY] if due else [command])
    try:
        return connection.read_response()
    finally:
        if due:
            if not connection.run_id.endswith(_history(connection)):
                raise StoreConnectionError(
                    "The server was demoted and promoted after the connection was opened."
                )
            connection.checked_at = now


def _history(connection: Any) -> str:
    info: str = connection.read_response().decode()
    return info.partition("master_replid:")[2].partition("\r")[0]


class Redirected(Exception):
    """The server did nothing: another server has the key, or is importing it (``asking``)."""

    def __init__(self, error: MovedError | AskError) -> None:
        super().__init__(str(error))
        self.host, self.port = error.host, error.port
        self.asking = isinstance(error, AskError)


class Server:
    """A server and its idle connections. The last used one is borrowed first; pop and append are atomic."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool
        self.breaker = Breaker()
        self._idle: list[Any] = []

    def ask(self, question: Callable[[Any], T]) -> T:
        """Call ``question`` with a connection; raises StoreUnavailable or Redirected."""
        return self.breaker.call(self._ask, question)

    def _ask(self, question: Callable[[Any], T]) -> T:
        connection = self._take()
        try:
            answer = question(connection)
        except BaseException as problem:
            # A late answer must not be read as the answer to the next request.
            connection.disconnect()
            if isinstance(problem, MovedError | AskError):
                raise Redirected(problem) from None
            self.forget()
            raise
        self._idle.append(connection)
        return answer

    def forget(self) -> None:
        """Close the idle connections, which mostly fail for the same reason as the one before."""
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _take(self) -> Any:
        connection: Any
        try:
            connection = self._idle.pop()
        except IndexError:
            # The pool itself would count this connection, and refuse after too many failures.
            connection = self.pool.connection_class(**self.pool.connection_kwargs)
            connection.connect()
            return connection
        try:
            usable = not connection.can_read()
        except StoreConnectionError:
            usable = False
        if not usable:
            # The server has closed the idle connection. Nothing was sent yet, so a new one repeats nothing.
            connection.disconnect()
            connection.connect()
        return connection
