"""A production server starts with safe settings or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "False",
    "SECRET_KEY": "9f3b1c7e5a2d8046b7e1f0a3c5d92846e1b7f3a90c5d2846",
    "ALLOWED_HOSTS": "tessera.example",
    "BASE_URL": "https://tessera.example",
    "DATABASE_URL": "sqlite://:memory:",
    "REDIS_URL": "",
}
PRODUCTION["SECRET_KEY"] *= 2


def manage(*arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """`manage.py` as an operator would call it, in production; None leaves a variable out."""
    variables = {name: value for name, value in (PRODUCTION | environment).items() if value is not None}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "changeme"),
        ("SECRET_KEY", "a" * 60),
        ("ALLOWED_HOSTS", None),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "tessera.example,*"),
    ],
    ids=["no key", "empty key", "short key", "dull key", "no host", "any host", "any host among others"],
)
def test_production_refuses_to_start_and_names_the_variable(variable: str, value: str | None) -> None:
    refused = manage("check", **{variable: value})
    assert refused.returncode != 0
    assert f"{variable} must" in refused.stderr.splitlines()[-1]


def test_a_fresh_clone_starts_with_nothing_set() -> None:
    bare = dict.fromkeys(PRODUCTION, None)
    assert manage("check", **bare).returncode == 0
