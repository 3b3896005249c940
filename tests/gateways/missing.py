"""The gateways' tests need nginx and Caddy: a line says which was missing, and CI fails without them."""

from __future__ import annotations

import os

import pytest

from tests.gateways.gateway import KINDS, program


def missing() -> list[str]:
    return [kind for kind in KINDS if program(kind) is None]


def pytest_configure(config: pytest.Config) -> None:
    if missing() and os.environ.get("CI", "").lower() in ("1", "true"):
        raise pytest.UsageError(f"CI needs gateways to test behind: {', '.join(missing())} not found")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if count := sum("gateways/" in report.nodeid for report in skipped):
        sentence = f"No {' and no '.join(missing())} was found: {count} tests behind it were left out."
        terminalreporter.write_line(sentence, yellow=True)
