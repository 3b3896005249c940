"""Connections to the store, kept between requests: the last used first, without a lock on the way."""

from __future__ import annotations

from typing import Any

from redis.connection import ConnectionPool
from redis.exceptions import ConnectionError as StoreConnectionError


class Pool(ConnectionPool):
    """Connections that know the run id of the server they ended up with."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "redis_connect_func": remember_run})


def remember_run(connection: Any) -> None:
    """Greet the server and keep its run id: it changes with every restart and failover."""
    connection.on_connect()
    connection.send_command("INFO", "server")
    info: str = connection.read_response().decode()
    connection.run_id = info.partition("run_id:")[2].partition("\r")[0]


class Idle:
    """A pool's connections that nobody uses now; a list's pop and append are atomic."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._connections: list[Any] = []

    def take(self) -> Any:
        """A connected one; raises RedisError."""
        try:
            connection = self._connections.pop()
        except IndexError:
            connection = self._pool.make_connection()
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

    def put_back(self, connection: Any) -> None:
        self._connections.append(connection)
