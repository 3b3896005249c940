"""A client's socket that is not waited for without end: a request has READ_SECONDS to arrive whole.

A worker's threads are few: where clients send nothing for a moment, only some of them wait.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from threading import BoundedSemaphore

READ_SECONDS = 10.0
# Packets of one request may be this far apart, however many clients there are.
MOMENT_SECONDS = 0.5


class TooSlow(TimeoutError):
    """The request did not arrive in time. gunicorn ignores this number as a connection that is gone."""

    def __init__(self) -> None:
        super().__init__(errno.ENOTCONN, "The request did not arrive in time.")


class Patience:
    """How many threads of this process may wait for slow clients at once."""

    def __init__(self, threads: int) -> None:
        self._places = BoundedSemaphore(threads)

    def wait(self, connection: socket.socket, deadline: float) -> None:
        """Wait until there is something to read; raises TooSlow."""
        if _readable(connection, min(MOMENT_SECONDS, deadline - time.monotonic())):
            return
        if not self._places.acquire(blocking=False):
            raise TooSlow
        try:
            if not _readable(connection, deadline - time.monotonic()):
                raise TooSlow
        finally:
            self._places.release()


class ReadSocket(socket.socket):
    """Reads until the deadline of the request at hand, where its caller has set no timeout."""

    patience: Patience
    deadline = 0.0

    @classmethod
    def of(cls, connection: socket.socket, patience: Patience) -> ReadSocket:
        found = cls(connection.family, connection.type, connection.proto, fileno=connection.detach())
        found.patience = patience
        return found

    def begin(self) -> None:
        self.deadline = time.monotonic() + READ_SECONDS

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        if flags or self.gettimeout() is not None:
            return super().recv(bufsize, flags)
        try:
            return super().recv(bufsize, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self.patience.wait(self, self.deadline)
            return super().recv(bufsize)


def _readable(connection: socket.socket, seconds: float) -> bool:
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1000))
