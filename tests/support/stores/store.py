"""What both stores have in common: a free port, and a process with a log."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE

STOP_SECONDS = 10
FIRST_PORT, LAST_PORT = 20_000, 30_000


class StoreError(Exception):
    """A store could not be found or started; the message is for the person who started the tests."""


def wheels_only() -> bool:
    """Whether the system's own servers are to be passed over, as on a machine that has none."""
    return os.environ.get("TEST_STORES") == "wheels"


def free_port(below: int = LAST_PORT) -> int:
    """A loopback port that this process alone gets, of all that ask here, for as long as it runs.

    Outgoing connections take theirs from a higher range.
    """
    while True:
        # Not from `random`, whose seed the test run sets alike in every worker.
        port = FIRST_PORT + secrets.randbelow(below - FIRST_PORT)
        if reserve(port) and is_free(port):
            return port


def reserve(port: int) -> bool:
    """Whether no other test process has it; the lock ends with this one."""
    folder = Path(tempfile.gettempdir()) / f"tessera-test-ports-{os.geteuid()}"
    folder.mkdir(exist_ok=True)
    file = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    return True


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Store:
    """A running server, ended by `stop()` and begun again by `start()`."""

    def __init__(
        self, command: list[str], *, url: str, log: Path, stop_signal: signal.Signals, **options: Any
    ) -> None:
        self.url = url
        self._command = command
        self._log = log
        self._stop_signal = stop_signal
        self._options = options
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **self._options,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, answers: Callable[[], bool]) -> None:
        """Returns once `answers()`; raises StoreError with the end of the log if that never comes."""
        deadline = time.monotonic() + PATIENCE
        while not answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StoreError(f"{self._command[0]} did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals | None = None) -> None:
        if self._process.poll() is None:
            self._process.send_signal(how or self._stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
