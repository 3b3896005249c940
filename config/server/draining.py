"""Delay of a stop: /readyz returns 503 for DRAIN_SECONDS, while requests are still answered.

Balancers that poll readiness need this time to notice. nginx notices refused connections instead.
"""

from __future__ import annotations

import signal
from threading import Timer
from types import FrameType

from gunicorn.arbiter import Arbiter

from ratelimit import draining


def announce(server: Arbiter, seconds: float) -> None:
    """Pass the first SIGTERM on after so many seconds; called in the arbiter once it listens."""
    if seconds <= 0:
        return

    def begin(number: int, frame: FrameType | None) -> None:
        # A second SIGTERM stops the server without delay.
        signal.signal(signal.SIGTERM, server.signal)
        draining.begin()
        timer = Timer(seconds, server.signal, (signal.SIGTERM, None))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, begin)
