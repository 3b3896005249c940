"""gunicorn's threaded worker, which leaves no connection behind when it stops."""

from __future__ import annotations

import select
import time

from gunicorn.workers.gthread import ThreadWorker

LONGEST_SECONDS = 0.5


class Worker(ThreadWorker):  # type: ignore[misc]
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
