"""The embedded database keeps the same promises: the tests that need no second connection, run on SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.servers import ROOT

FILES = (
    "sql/test_reservations.py",
    "statistics/test_gathering.py",
    "statistics/test_statistics_sync.py",
    "test_daily_limit.py",
    "test_day_and_burst.py",
    "test_limit_headers.py",
    "test_subject_limit.py",
    "usage/test_refused_uses.py",
    "usage/test_refused_addresses.py",
    "usage/test_keys.py",
    "usage/test_recent_addresses.py",
    "usage/test_reports.py",
)


def test_limits_and_usage_hold_on_sqlite(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["DATABASE_URL"] = f"sqlite:///{tmp_path / 'tessera.sqlite3'}"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-q", *(f"tests/ratelimit/{name}" for name in FILES)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
