"""gunicorn's threaded worker, with timeouts for slow clients, and a stop that resets no connection."""

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
        """When stopping, accept every pending connection, and then close the listening socket.

        The kernel completes connections while the listening socket is open. gunicorn would keep it open to
        the end without accepting, and requests sent meanwhile would be lost with the process. A balancer
        sends refused connections to another server.
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
