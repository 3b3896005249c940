"""Connections that are given up in time, and a pool that knows when there are none to be had."""

from __future__ import annotations

import select
from collections.abc import Callable, Generator
from typing import Any, ClassVar, TypeVar

from psycopg import Connection as PsycopgConnection
from psycopg import OperationalError, errors
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from accounts import locking

T = TypeVar("T")

# While no connection is to be had, a request takes one that is there at this moment or goes without.
AT_HAND_SECONDS = 0.01
# How long a server that did not answer in time is given to cancel what it was asked.
CANCEL_SECONDS = 0.2
# The pool gives a connection up after this, and the next request has it tried anew: no growing intervals.
RETRY_SECONDS = 1.0


class Connection(PsycopgConnection[Any]):
    """A statement that takes longer than ``longest`` seconds, or waits that long for a lock, is cancelled.

    Measured here and not by the server, so that it holds for a server that hangs as well, and behind
    PgBouncer, which hands no session settings through. None, as for commands: there is no end. Whoever
    stands in line for an organization is given more (``accounts.locking``).
    """

    longest: ClassVar[float | None] = None

    def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is not None or self.longest is None:
            return super().wait(gen, interval, timeout)
        longest = max(self.longest, locking.seconds())
        try:
            return super().wait(gen, interval, longest)
        except errors._WaitTimeout:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self._try_cancel(timeout=CANCEL_SECONDS)
            try:
                # Raises QueryCanceled, and the connection is as good as before.
                return super().wait(gen, interval, CANCEL_SECONDS)
            except errors._WaitTimeout:
                self._give_up()
                raise OperationalError(f"PostgreSQL did not answer within {longest} s") from None

    def _give_up(self) -> None:
        pool = getattr(self, "_pool", None)
        self.close()
        if isinstance(pool, Pool):
            pool.doubt()


class Pool(ConnectionPool[Connection]):
    """Once a request has waited in vain, the others don't wait, until a connection is there again."""

    def __init__(self, *, configure: Callable[[Any], None], **options: Any) -> None:
        self.away = False
        super().__init__(
            connection_class=Connection,
            open=False,
            configure=configure,
            check=refuse_closed,
            reconnect_timeout=RETRY_SECONDS,
            **options,
        )

    def getconn(self, timeout: float | None = None) -> Connection:
        try:
            found = super().getconn(AT_HAND_SECONDS if self.away else timeout)
        except PoolTimeout:
            self.away = True
            raise
        self.away = False
        return found

    def doubt(self) -> None:
        """One connection's server hangs: the others' is the same."""
        self.away = True
        self.drain()


def refuse_closed(connection: Connection) -> None:
    """Ask the server only where something lies there unread: mostly its good-bye. Costs no round trip."""
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        ConnectionPool.check_connection(connection)
