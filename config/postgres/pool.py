"""Database connections with a timeout, and a pool that fails fast while the server is unavailable."""

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

# While the server is unavailable, a request waits this long for an idle connection.
AT_HAND_SECONDS = 0.01
# How long a server that did not answer in time may take to cancel the query.
CANCEL_SECONDS = 0.2
# The pool stops reconnecting after this, and the next request starts again, so that intervals do not grow.
RETRY_SECONDS = 1.0


class Connection(PsycopgConnection[Any]):
    """Cancels a query that takes longer than ``longest`` seconds, waiting for locks included.

    The client measures the time, so that the timeout works for a server that hangs, and behind PgBouncer,
    which passes on no session settings. None, as in commands, is no timeout. A transaction that waits for an
    organization's row lock has a longer one (``accounts.locking``).
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
                # Raises QueryCanceled, and the connection stays usable.
                return super().wait(gen, interval, CANCEL_SECONDS)
            except errors._WaitTimeout:
                self._give_up()
                raise OperationalError(f"PostgreSQL did not answer within {longest} s") from None

    def _give_up(self) -> None:
        pool = getattr(self, "_pool", None)
        self.close()
        if isinstance(pool, Pool):
            pool.replace_all()


class Pool(ConnectionPool[Connection]):
    """After a request has waited in vain, the others do not wait until there is a connection again."""

    def __init__(self, *, configure: Callable[[Any], None], **options: Any) -> None:
        self.unavailable = False
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
            found = super().getconn(AT_HAND_SECONDS if self.unavailable else timeout)
        except PoolTimeout:
            self.unavailable = True
            self._drop_expired()
            raise
        self.unavailable = False
        return found

    def _drop_expired(self) -> None:
        """Drop the waits that have ended in vain.

        psycopg's pool keeps them until a connection is free, and each keeps its whole request in memory by
        the traceback of its error.
        """
        with self._lock:
            waiting = [one for one in self._waiting if one.error is None]
            self._waiting.clear()
            self._waiting.extend(waiting)

    def replace_all(self) -> None:
        """Discard all connections, because all have the server that one hangs on."""
        self.unavailable = True
        self.drain()


def refuse_closed(connection: Connection) -> None:
    """Check the connection only if its socket is readable, which usually means that the server closed it.

    No round trip otherwise.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        ConnectionPool.check_connection(connection)
