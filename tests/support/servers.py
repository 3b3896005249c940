"""Tessera's real server processes, for tests of what several of them do at once."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.db import connection

from tests.support.stores.store import free_port
from tests.support.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 15


@dataclass(frozen=True)
class Server:
    """One gunicorn with its workers, answering at `url` (`http://127.0.0.1:<port>`)."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self) -> None:
        """Ends it as an operator would, and insists where that takes too long."""
        if self.running:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it and its workers in mid-request, as a power cut would."""
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Servers:
    """`servers(2)` gives that many running servers on this run's database and Redis.

    The same arguments give the same servers again in a later test, and new ones for those that were stopped
    or killed. Keywords are environment variables: `servers(1, TOKEN_FORMAT="alphanumeric")`. A server
    has one worker unless `WEB_CONCURRENCY` is given, and no housekeeping unless `HOUSEKEEPING="1"` is.

    A test that uses them needs `@pytest.mark.django_db(transaction=True)`: they see what was committed.
    """

    def __init__(
        self, folder: Path, environment: dict[str, str], config: str = "config/gunicorn.conf.py"
    ) -> None:
        self._config = config
        self._folder = folder
        self._environment = environment
        self._started: dict[tuple[object, ...], Server] = {}
        self._count = 0

    def __call__(self, count: int = 2, /, **environment: str) -> list[Server]:
        wanted = [(index, *sorted(environment.items())) for index in range(count)]
        for key in wanted:
            if key not in self._started or not self._started[key].running:
                self._started[key] = self._start(environment)
        servers = [self._started[key] for key in wanted]
        for server in servers:
            wait_until(partial(is_healthy, server), server.log)
        return servers

    def kill(self) -> None:
        """At the end of all tests: how a server stops is tested elsewhere, and takes its time."""
        for server in self._started.values():
            server.kill()

    def _start(self, environment: dict[str, str]) -> Server:
        self._count += 1
        port = int(environment.get("PORT") or free_port())
        log_file = self._folder / f"server-{self._count}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", self._config],
                cwd=ROOT,
                env=os.environ
                | self._environment
                # What a killed server leaves behind goes with the folder.
                | {"PORT": str(port), "TMPDIR": str(self._folder)}
                | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509
            )
        return Server(f"http://127.0.0.1:{port}", process, log_file)


def end_with_parent() -> None:
    """A server must not outlive a test run that was killed; where the system can't tell it, it may."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def is_healthy(server: Server) -> bool:
    assert server.running, f"{server.url} did not start:\n{server.log()}"
    try:
        with urlopen(f"{server.url}/healthz", timeout=PATIENCE):
            return True
    except OSError:
        return False


def database_url() -> str:
    database = connection.settings_dict
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)


@pytest.fixture(scope="session")
def servers(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Starts server processes: see `Servers`."""
    running = Servers(
        tmp_path_factory.mktemp("servers"),
        {
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "SECRET_KEY": settings.SECRET_KEY,
            "HOUSEKEEPING": "0",
            "WEB_CONCURRENCY": "1",
            "DATABASE_POOL_SIZE": "8",
        },
    )
    yield running
    running.kill()
