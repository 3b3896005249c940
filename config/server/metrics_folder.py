"""The folder in which the workers of one server keep what they count, for a scrape of any of them.

prometheus_client reads its name from the environment when it is imported, so only functions import it here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from gunicorn.arbiter import Arbiter

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def create(server: Arbiter, parent: str | None) -> None:
    """Called in the arbiter before all else; ``TMPDIR`` goes before ``parent``."""
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="tessera-metrics-", dir=os.environ.get("TMPDIR") or parent)
    restore(server)


def restore(server: Arbiter) -> None:
    """Create the folder again if the system has cleaned it up, because a worker cannot start without it."""
    folder = Path(os.environ[VARIABLE])
    folder.mkdir(mode=0o700, exist_ok=True)
    # gunicorn's --user and --group are those of the workers alone.
    os.chown(folder, server.cfg.uid, server.cfg.gid)


def forget_gauges(pid: int) -> None:
    """Called in the arbiter for a worker that has ended; what it counted is kept."""
    from prometheus_client import multiprocess  # noqa: PLC0415

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def remove() -> None:
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)
