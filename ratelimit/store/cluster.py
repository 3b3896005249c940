"""Which server keeps a key: the only one there is, or the one of a Redis Cluster that has its slot."""

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
# A key that is on its way from server to server is found at the second or third.
HOPS = 4


class Cluster:
    """``pool`` leads to the only server, or to any one of a cluster, which knows the others."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._first = Server(pool)
        self._by_address: dict[Address, Server] = {}
        self._slots: list[Server | None] = []
        self._identified = False
        self._refreshed_at = 0.0

    def ask(self, key: str | bytes, question: Callable[[Any], T]) -> T:
        """Ask the server of that key; raises StoreUnavailable."""
        for _ in range(HOPS):
            server = self.of(key)
            try:
                return server.ask(question)
            except StoreUnavailable:
                self._refresh_topology(server)
                raise
            except Redirected as told:
                there = self._at(told.host, told.port)
                if told.asking:
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
        """Whether keys are spread over several servers; raises StoreUnavailable."""
        if not self._identified:
            self._identify()
        return bool(self._slots)

    def all(self) -> list[Server]:
        """Every server that keeps keys; raises StoreUnavailable."""
        if not self._identified:
            self._identify()
        return list(dict.fromkeys(server for server in self._slots if server)) or [self._first]

    def close_breakers(self) -> None:
        """Ask again at once, whatever has failed."""
        for server in (self._first, *self._by_address.values()):
            server.breaker.close()

    def _identify(self) -> None:
        if self._first.ask(lambda connection: connection.clustered):
            self._learn(self._first)
        self._identified = True

    def _learn(self, server: Server) -> None:
        """Have a server of the cluster tell which of them keeps which slots."""
        slots: list[Server | None] = [None] * SLOTS
        for first, last, (name, port, *_), *_ in server.ask(_cluster_slots):
            # A server that does not know its own name is reached as it was reached just now.
            host = name.decode() if name else server.pool.connection_kwargs["host"]
            slots[first : last + 1] = [self._at(host, port)] * (last + 1 - first)
        self._slots = slots

    def _at(self, host: str, port: int) -> Server:
        known = self._by_address.get((host, port))
        if known is None:
            pool = self._first.pool
            # What a pool makes is told in the same words as the pool itself.
            place = {**pool.connection_kwargs, "host": host, "port": port}
            fresh = Server(type(pool)(connection_class=pool.connection_class, **place))
            known = self._by_address.setdefault((host, port), fresh)
        return known

    def _refresh_topology(self, failed: Server) -> None:
        """A replica may have taken the place of a server that fails: ask the others, now and then."""
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
