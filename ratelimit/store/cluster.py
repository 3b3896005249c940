"""Choice of the server that has a key: the only one, or the one of a Redis Cluster that has its slot."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from redis.connection import ConnectionPool
from redis.crc import key_slot

from ratelimit.conf import settings
from ratelimit.store.circuit_breaker import StoreUnavailable
from ratelimit.store.connections import Redirected, Server

T = TypeVar("T")
Address = tuple[str, int]

SLOTS = 16_384
# The server of a key that is being migrated is found after two or three redirections.
HOPS = 4


class Cluster:
    """``pool`` connects to the only server, or to any server of a cluster, which knows the others."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._first = Server(pool)
        self._by_address: dict[Address, Server] = {}
        self._slots: list[Server | None] = []
        self._identified = False
        self._refreshed_at = 0.0

    def ask(self, key: str | bytes, question: Callable[[Any], T]) -> T:
        """Call ``question`` with a connection to the server of that key; raises StoreUnavailable."""
        for _ in range(HOPS):
            server = self.of(key)
            try:
                return server.ask(question)
            except StoreUnavailable:
                self._refresh_topology(server)
                raise
            except Redirected as redirection:
                there = self._at(redirection.host, redirection.port)
                if redirection.asking:
                    with suppress(Redirected):
                        return there.ask(lambda connection: question(_asking(connection)))
                else:
                    self._learn(there)
        raise StoreUnavailable

    def of(self, key: str | bytes) -> Server:
        if not self._identified:
            self._identify()
        if not self._slots:
            return self._first
        server = self._slots[key_slot(key if isinstance(key, bytes) else key.encode())]
        if server is None:
            raise StoreUnavailable
        return server

    @property
    def clustered(self) -> bool:
        """Whether the server is in cluster mode; raises StoreUnavailable."""
        if not self._identified:
            self._identify()
        return bool(self._slots)

    def all(self) -> list[Server]:
        """Return every server that has keys; raises StoreUnavailable."""
        if not self._identified:
            self._identify()
        return list(dict.fromkeys(server for server in self._slots if server)) or [self._first]

    def close_breakers(self) -> None:
        """Close every breaker, so that the next request tries its server."""
        for server in (self._first, *self._by_address.values()):
            server.breaker.close()

    def _identify(self) -> None:
        if self._first.ask(lambda connection: connection.clustered):
            self._learn(self._first)
        self._identified = True

    def _learn(self, server: Server) -> None:
        """Read from a server of the cluster which server has which slots."""
        slots: list[Server | None] = [None] * SLOTS
        for first, last, (name, port, *_), *_ in server.ask(_cluster_slots):
            # A server that does not know its own name has the host of the connection to it.
            host = name.decode() if name else server.pool.connection_kwargs["host"]
            slots[first : last + 1] = [self._at(host, port)] * (last + 1 - first)
        self._slots = slots

    def _at(self, host: str, port: int) -> Server:
        known = self._by_address.get((host, port))
        if known is None:
            pool = self._first.pool
            place = {**pool.connection_kwargs, "host": host, "port": port}
            fresh = Server(type(pool)(connection_class=pool.connection_class, **place))
            known = self._by_address.setdefault((host, port), fresh)
        return known

    def _refresh_topology(self, failed: Server) -> None:
        """Read the slots again after a failure, now and then: a replica may have been promoted."""
        now = time.monotonic()
        if not self._slots or now < self._refreshed_at + settings.REDIS_BREAKER_SECONDS:
            return
        self._refreshed_at = now
        for server in self.all():
            if server is failed:
                continue
            with suppress(StoreUnavailable, Redirected):
                self._learn(server)
                return


def _cluster_slots(connection: Any) -> list[Any]:
    connection.send_command("CLUSTER", "SLOTS")
    answer: list[Any] = connection.read_response()
    return answer


def _asking(connection: Any) -> Any:
    connection.send_command("ASKING")
    connection.read_response()
    return connection
