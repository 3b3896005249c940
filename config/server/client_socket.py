"""A client's socket that is not waited for without end: neither for its request, nor to take its answer.

A worker's threads are few: where clients do nothing for a moment, only some of them wait.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from threading import BoundedSemaphore
from typing import Any

# For a request to arrive whole, and for which a client may take nothing of its answer.
READ_SECONDS = 10.0
WRITE_SECONDS = 10.0
# A client that takes this much of its answer in a second uses up none of WRITE_SECONDS.
LEAST_BYTES_PER_SECOND = 16_384
# Packets of one request may be this far apart, however many clients there are.
MOMENT_SECONDS = 0.5


class TooSlow(TimeoutError):
    """The client was not done in time. gunicorn ignores this number as a connection that is gone."""

    def __init__(self) -> None:
        super().__init__(errno.ENOTCONN, "The client was not done in time.")


class Patience:
    """How many threads of this process may wait for slow clients at once."""

    def __init__(self, threads: int) -> None:
        self._places = BoundedSemaphore(threads)

    def wait(self, connection: socket.socket, event: int, seconds: float) -> None:
        """Wait until it can be read from, or written to; raises TooSlow."""
        if _ready(connection, event, min(MOMENT_SECONDS, seconds)):
            return
        if not self._places.acquire(blocking=False):
            raise TooSlow
        try:
            if not _ready(connection, event, seconds - MOMENT_SECONDS):
                raise TooSlow
        finally:
            self._places.release()


class ClientSocket(socket.socket):
    """Reads until the deadline of the request at hand, and writes while the client takes what is written.

    Where its caller has set a timeout, that counts instead.
    """

    patience: Patience
    deadline = 0.0
    seconds_to_write = WRITE_SECONDS

    @classmethod
    def of(cls, connection: socket.socket, patience: Patience) -> ClientSocket:
        found = cls(connection.family, connection.type, connection.proto, fileno=connection.detach())
        found.patience = patience
        return found

    def begin(self) -> None:
        self.deadline = time.monotonic() + READ_SECONDS
        self.seconds_to_write = WRITE_SECONDS

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        if flags or self.gettimeout() is not None:
            return super().recv(bufsize, flags)
        try:
            return super().recv(bufsize, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self.patience.wait(self, select.POLLIN, self.deadline - time.monotonic())
            return super().recv(bufsize)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        if flags or self.gettimeout() is not None:
            super().sendall(data, flags)
            return
        left = memoryview(data).cast("B")
        while left:
            try:
                sent = super().send(left, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait_to_write()
                continue
            left = left[sent:]
            earned = sent / LEAST_BYTES_PER_SECOND
            self.seconds_to_write = min(WRITE_SECONDS, self.seconds_to_write + earned)

    def _wait_to_write(self) -> None:
        began = time.monotonic()
        self.patience.wait(self, select.POLLOUT, self.seconds_to_write)
        self.seconds_to_write -= time.monotonic() - began


def _ready(connection: socket.socket, event: int, seconds: float) -> bool:
    poller = select.poll()
    poller.register(connection, event)
    return bool(poller.poll(max(0.0, seconds) * 1000))
