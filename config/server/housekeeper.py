"""The housekeeping process beside the web server: the arbiter starts it, starts it again, and ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from gunicorn.glogging import Logger

from config.server import metrics_folder

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
GRACE_SECONDS = 5.0


class Housekeeper:
    """Keeps one `manage.py housekeeping` running for as long as the arbiter lives.

    A thread of the arbiter waits for the child. The child holds the reading end of a pipe whose only writing
    end is the arbiter's, so that it ends with the arbiter even where that was killed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._lifeline: tuple[int, int] | None = None

    def start(self, log: Logger) -> None:
        self._lifeline = os.pipe()
        # A worker forked while the child is being started would keep open the pipe by which Popen learns
        # that it runs, and Popen would wait for as long as that worker lives.
        os.register_at_fork(
            before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._lock.release
        )
        self._thread = threading.Thread(target=self._supervise, args=(log,), name="housekeeper", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Called in a forked worker, which must not hold the lifeline of a child that isn't its own."""
        if self._lifeline:
            for end in self._lifeline:
                os.close(end)
            self._lifeline = None

    def renew(self) -> None:
        """Ends the running child, so that its successor starts with the code and settings of a reload."""
        with self._lock:
            if self._process:
                self._process.terminate()

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            process = self._process
            if process:
                process.terminate()
        if self._thread:
            self._thread.join(GRACE_SECONDS)
        if process and process.poll() is None:
            process.kill()

    def _supervise(self, log: Logger) -> None:
        delay = FIRST_DELAY
        while process := self._spawn():
            started = time.monotonic()
            process.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - started > LONGEST_DELAY:
                delay = FIRST_DELAY
            log.warning("Housekeeping ended and starts again in %.0f s", delay)
            self._stopping.wait(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set() or not self._lifeline:
                return None
            # In a session of its own, because Ctrl-C is the arbiter's to handle.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "config.server.housekeeper"],
                stdin=self._lifeline[0],
                cwd=Path(__file__).resolve().parents[2],
                start_new_session=True,
            )
            return self._process


housekeeper = Housekeeper()


def end_with_standard_input() -> None:
    """Waits for the arbiter's end of the pipe to close, then ends this process, at first politely."""
    # Unlike sys.stdin, a bare descriptor takes no lock that would disturb the interpreter's end.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # The workers' counts are those of requests, and a killed process would keep its gauges there.
    os.environ.pop(metrics_folder.VARIABLE, None)
    # Only the child needs Django: the arbiter imports this module too and stays small.
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(["manage.py", "housekeeping"])


if __name__ == "__main__":
    main()
