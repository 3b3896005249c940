"""A Redis that belongs to one test: it can be killed, paused, started again and given an older past."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis

from tests.stores.redis import find_program
from tests.stores.store import free_port

START_SECONDS = 30
FORGETFUL = ("--save", "", "--appendonly", "no")
# Every answer waits until what it acknowledges is on disk.
LASTING = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")


class OwnRedis:
    def __init__(self, folder: Path, options: tuple[str, ...] = FORGETFUL, password: str = "") -> None:
        self._folder = folder
        # A replica is served at once, and not only after others might have come as well.
        self._options = (*options, "--requirepass", password, "--repl-diskless-sync-delay", "0")
        self.port = free_port()
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
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)

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
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False
