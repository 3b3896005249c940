"""The project as a package: what it imports is declared, and a wheel holds all that it runs by."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
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


@pytest.fixture(scope="module")
def ratelimit_folder(wheel: ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ratelimit` as the wheel installs it, and nothing else of ours."""
    installed, folder = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("ratelimit")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile", "--target"]
    subprocess.run([*command, installed, str(wheel.filename)], capture_output=True, check=True)
    return Path(shutil.move(installed / "ratelimit", folder)).parent


@pytest.mark.parametrize("redis_url", [[], [settings.REDIS_URL]], ids=["sql", "redis"])
def test_ratelimit_works_in_a_project_that_has_no_other_app_of_ours(
    ratelimit_folder: Path, tmp_path: Path, redis_url: list[str]
) -> None:
    script = shutil.copy(Path(__file__).with_name("ratelimit_project.py"), tmp_path)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ratelimit_folder)}
    run = subprocess.run(
        [sys.executable, script, tmp_path, *redis_url],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["others"] == []
    assert [one["status"] for one in found["answers"]] == [200, 200, 429]
    remaining = [one["headers"]["X-RateLimit-Remaining"] for one in found["answers"]]
    assert remaining == ["1", "0", "0"]
    refused = found["answers"][-1]["headers"]
    assert 0 < int(refused["Retry-After"]) <= 86_400
    assert refused["X-RateLimit-Limit"] == "2"
    assert refused["RateLimit-Policy"] == '"daily";q=2;w=86400'
