"""How long the fault tests take: `FAULT_ROUNDS` counts the rounds of crashes, and beyond 1 adds outages."""

from __future__ import annotations

import os

import pytest

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))


def long_only(applies: bool = True) -> pytest.MarkDecorator:
    return pytest.mark.skipif(applies and ROUNDS < 2, reason="FAULT_ROUNDS is 1; make faults runs it")
