"""A Redis that belongs to one test: it can be killed, paused, started again and given an older past."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from tests.support.stores.redis import find_program
from tests.support.stores.store import free_port
from tests.support.waiting import wait_until

# A server of a cluster talks with the others at a port that is this much higher.
BUS = 10_000
LAST_PORT = 32_768
# How long the product waits for it in a test: long for one that answers, short for one that hangs.
HANGS_AFTER_SECONDS = 1.0
FORGETFUL = ("--save", "", "--appendonly", "no")
# Every answer waits until what it acknowledges is on disk.
LASTING = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")


class OwnRedis:
    def __init__(self, folder: Path, options: tuple[str, ...] = FORGETFUL, password: str = "") -> None:
        self._folder = folder
        # A replica is served at once, and not only after others might have come as well.
        self._options = (*options, "--requirepass", password, "--repl-diskless-sync-delay", "0")
        self.port = free_port(below=LAST_PORT - BUS)
        self._process: subprocess.Popen[bytes] | None = None
        self._password = password
        self.url = f"redis://{f':{password}@' * bool(password)}127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self._password or None, decode_responses=True)

    def change_password(self, password: str) -> None:
        """Everybody is turned out and must know the new one."""
        client = self.client
        client.config_set("requirepass", password)
        self._password = password
        client.client_kill_filter(_type="normal", skipme=True)

    def start(self) -> None:
        """With what was saved last, on the same port as before."""
        address = ["--bind", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [find_program(), *address, "--dir", str(self._folder), *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """It accepts connections and does not answer, as a machine does that hangs."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def snapshot(self) -> None:
        """Save, so that it can come back as it is now."""
        self.client.save()
        shutil.copy(self._folder / "dump.rdb", self._folder / "older.rdb")

    def restart_from_snapshot(self) -> None:
        self.kill()
        shutil.copy(self._folder / "older.rdb", self._folder / "dump.rdb")
        self.start()

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[OwnRedis]:
    """A running Redis that the product uses in this test, and that the test may stop, kill or wind back.

    The product asks it again at once after a failure.
    """
    settings.REDIS_BREAKER_SECONDS = 0.0
    server = OwnRedis(tmp_path)
    try:
        server.start()
        use(server.url, settings)
        yield server
    finally:
        server.kill()


def use(url: str, settings: Settings) -> None:
    """Have the product use the Redis at that address."""
    settings.REDIS_URL, settings.REDIS_TIMEOUT_SECONDS = url, HANGS_AFTER_SECONDS
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": url}}
