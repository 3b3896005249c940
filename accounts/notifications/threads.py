"""Mails of requests, each sent in a thread, so that a request can stop waiting for a slow mail server."""

from __future__ import annotations

import time
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread

from django.db import connections

from accounts.notifications import transport
from accounts.notifications.email import Email

MOST_THREADS = 4
# In seconds: after a failure this process leaves mails to housekeeping for this time.
PAUSE_SECONDS = 30.0


class MailThreads:
    """A process's threads that send mails; daemons, so that none keeps the process from ending."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(MOST_THREADS)
        self._paused_until = 0.0

    def start(self, email: Email, to: str) -> Future[None] | None:
        """Start to send; None if the mail server was unavailable lately, or all threads are busy."""
        if time.monotonic() < self._paused_until or not self._free.acquire(blocking=False):
            return None
        future: Future[None] = Future()
        Thread(target=self._send, args=(future, email, to), name="mail", daemon=True).start()
        return future

    def pause(self) -> None:
        self._paused_until = time.monotonic() + PAUSE_SECONDS

    def resume(self) -> None:
        self._paused_until = 0.0

    def _send(self, future: Future[None], email: Email, to: str) -> None:
        try:
            transport.send(email, to)
        except BaseException as problem:
            self._free.release()
            future.set_exception(problem)
        else:
            self._free.release()
            future.set_result(None)
        finally:
            # Where the request had stopped waiting, this thread has stored the result.
            connections.close_all()


threads = MailThreads()
