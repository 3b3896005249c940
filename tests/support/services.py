"""The stores and the environment of a test run, in place before Django's settings are read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORES = {"DATABASE_URL": "postgres", "REDIS_URL": "redis"}
WORKER = "PYTEST_XDIST_WORKER"
# A store that answers late on a busy machine is available. A test about a store that hangs sets less.
PATIENT = {
    "REDIS_TIMEOUT_SECONDS": "60",
    "DATABASE_CONNECT_SECONDS": "60",
    "DATABASE_TIMEOUT_SECONDS": "60",
    "DATABASE_LOCK_SECONDS": "120",
}
# A test adds to the statistics when it wants to.
NO_THREADS = {"STATISTICS_SECONDS": "0"}

_running: subprocess.Popen[str] | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """pytest-django reads the settings in its own hook of this name, so ours goes first."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    if WORKER not in os.environ:
        forget_environment()
        start_stores()
        os.environ.update(PATIENT | NO_THREADS)
        os.environ["SECRET_KEY"] = "a-key-for-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz"
    else:
        os.environ["REDIS_URL"] = redis_of_worker(os.environ["REDIS_URL"], os.environ[WORKER])


def pytest_unconfigure() -> None:
    """Ends the stores; where the run ends in another way, they notice that their standard input did."""
    if _running:
        _running.communicate()


def forget_environment() -> None:
    """The product's own variables in the caller's shell must not decide how the tests come out."""
    settings = (ROOT / "config" / "settings.py").read_text()
    for name in set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings)) - STORES.keys():
        os.environ.pop(name, None)


def start_stores() -> None:
    """Starts the stores that the environment doesn't name and names them there; raises UsageError."""
    global _running  # noqa: PLW0603
    missing = [store for variable, store in STORES.items() if not os.environ.get(variable)]
    # In a session of their own, because Ctrl-C reaches all of ours and tests need them till the end.
    _running = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stores", *missing],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert _running.stdout is not None
    variables = _running.stdout.readline()
    if not variables:
        raise pytest.UsageError(_running.communicate()[1])
    os.environ.update(json.loads(variables))


def redis_of_worker(url: str, worker: str) -> str:
    """Each worker empties its Redis between tests, so each has a database number of its own."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + int(worker.removeprefix("gw"))
    return parts._replace(path=f"/{number}").geturl()
