"""Waiting for what is to happen, for as long as a slow machine may need."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

# Only a failing test waits this long.
PATIENCE = float(os.environ.get("TEST_PATIENCE", "120"))


def wait_until(holds: Callable[[], object], otherwise: Callable[[], str] = lambda: "") -> float:
    """Seconds until it held; fails with ``otherwise()`` after PATIENCE."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE, otherwise()
        time.sleep(0.02)
    return time.monotonic() - began
