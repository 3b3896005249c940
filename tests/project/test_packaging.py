"""The project as a package: what it imports is declared, and a wheel holds all that it runs by."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
OURS = ("accounts", "config", "ratelimit", "tokens")
# Comes with an extra of the requirement that is declared.
OF_EXTRAS = {"psycopg-pool": "psycopg"}
NEVER_COPIED = shutil.ignore_patterns(".*", "var", "tests", "build", "*.egg-info", "__pycache__")


def imported() -> set[str]:
    found = set()
    for file in (one for app in OURS for one in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return {name.partition(".")[0] for name in found} - {*OURS, *sys.stdlib_module_names}


def normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def test_what_is_imported_directly_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {normal(Requirement(line).name) for line in project["dependencies"]}
    providers = packages_distributions()
    undeclared = {
        module
        for module in imported()
        if not {OF_EXTRAS.get(normal(one), normal(one)) for one in providers[module]} & declared
    }
    assert undeclared == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    pytest.importorskip("setuptools")
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "project", ignore=NEVER_COPIED)
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index"]
    made = subprocess.run(
        [*command, "--wheel-dir", folder], cwd=folder / "project", capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return ZipFile(next(folder.glob("*.whl")))


def test_a_wheel_holds_every_file_that_the_product_runs_by(wheel: ZipFile) -> None:
    command = ["git", "ls-files", *OURS, "templates", "manage.py"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) - set(wheel.namelist()) == set()


def test_a_wheel_holds_neither_tests_nor_secrets(wheel: ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {*OURS, "templates", "manage.py"}
