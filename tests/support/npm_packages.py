"""Libraries from npm as their authors made them, run by node; left out with a word where there is no npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "npm"
FILES = ("package.json", "package-lock.json", "oauth.mjs", "supabase.mjs")


def leave_out(why: str) -> None:
    """Only on a developer's machine: a run that decides about a change must not leave a test out."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(why)
    pytest.skip(f"LEFT OUT: a test of an npm library, because {why}")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of tests/npm with the locked packages installed."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        leave_out("node and npm are not installed")
    found = tmp_path_factory.mktemp("npm")
    for name in FILES:
        shutil.copy(FOLDER / name, found)
    command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    installed = subprocess.run(command, cwd=found, capture_output=True, text=True, check=False, timeout=300)
    if installed.returncode:
        leave_out(f"npm ci failed: {installed.stderr[-500:]}")
    return found


def run(folder: Path, script: str, *arguments: str) -> dict[str, Any]:
    command = ["node", script, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
