"""gunicorn's threaded worker: it waits for clients in limited time, and leaves none when it stops."""

from __future__ import annotations

import select
import time
from functools import cached_property

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

from config.server.client_socket import ClientSocket, Patience

LONGEST_SECONDS = 0.5
# For a client to read its answer before the connection is closed.
LINGER_SECONDS = 0.5


class Worker(ThreadWorker):  # type: ignore[misc]
    @cached_property
    def patience(self) -> Patience:
        return Patience(max(1, self.cfg.threads // 2))

    def enqueue_req(self, conn: TConn) -> None:
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket.of(conn.sock, self.patience)
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> object:
        conn.sock.begin()
        kept = super().handle(conn)
        if kept is False:
            # gunicorn would wait for the client to close on its main thread, which accepts all connections.
            util.close_graceful(conn.sock, timeout=LINGER_SECONDS)
            conn.close = lambda graceful=False: None
        return kept

    def set_accept_enabled(self, enabled: bool) -> None:
        """Stopping, take every connection that waits, and then refuse instead of resetting.

        The kernel completes connections for as long as somebody holds the listening socket. gunicorn would
        hold it to the end without accepting, and a request sent meanwhile would die with the process; what
        is refused, a balancer sends elsewhere.
        """
        if enabled or self.alive:
            super().set_accept_enabled(enabled)
            return
        # A reload's new workers take from the same socket: under load it may never be empty.
        deadline = time.monotonic() + LONGEST_SECONDS
        while self._accepting and time.monotonic() < deadline and select.select(self.sockets, [], [], 0)[0]:
            for listener in self.sockets:
                self.accept(listener)
        super().set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
