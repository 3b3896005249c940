"""`FAULT_ROUNDS` counts the rounds of crashes; beyond 1, more outages, under production's own timeouts."""

from __future__ import annotations

import os

import pytest

from tests.support.waiting import PATIENCE

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
LONG = ROUNDS > 1
# A single round is part of the usual run of all tests, on a machine that may be busy.
REDIS_TIMEOUT, DATABASE_TIMEOUT = (0.25, 1.5) if LONG else (1.0, 4.0)
# The longest that any answer may take.
LONGEST = 12.0 if LONG else PATIENCE


def long_only(applies: bool = True) -> pytest.MarkDecorator:
    return pytest.mark.skipif(applies and not LONG, reason="FAULT_ROUNDS is 1; make faults runs it")
