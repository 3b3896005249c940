"""What holds for the project as a whole: which way imports point, what is installed, how it migrates."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()

# From the one that may import all others to the one that may import none.
APPS = ("config", "tokens", "accounts", "ratelimit")

# Older ones have known holes.
FLOORS = {
    "django": "5.2.19",
    "django-allauth": "65.21.1",
    "djangorestframework": "3.17.2",
    "gunicorn": "27.0.0",
    "oauthlib": "4.0.1",
    "pyjwt": "2.15.1",
}


def above(app: str) -> set[str]:
    return {"tests", "config", *APPS[: APPS.index(app)]} - ({"config"} if app == "config" else set())


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def locked() -> dict[str, Version]:
    return {
        name: Version(version) for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE)
    }


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [
        Requirement(line)
        for line in project["project"]["dependencies"] + project["dependency-groups"]["test"]
    ]


@pytest.mark.parametrize("app", APPS)
def test_no_app_imports_one_above_it(app: str) -> None:
    upward = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / app).rglob("*.py")
        for name in imported(file)
        if name.split(".")[0] in above(app)
    ]
    assert upward == []


@pytest.mark.parametrize("app", APPS[1:])
def test_no_migration_depends_on_an_app_above_its_own(app: str) -> None:
    migrations = MigrationLoader(None).disk_migrations.items()
    needed = {
        label for (own, _), migration in migrations if own == app for label, _ in migration.dependencies
    }
    assert needed.isdisjoint(above(app))


@pytest.mark.parametrize("app", APPS[1:])
def test_every_migration_can_be_taken_back(app: str) -> None:
    stuck = [
        f"{name}: {operation.describe()}"
        for (own, name), migration in MigrationLoader(None).disk_migrations.items()
        if own == app
        for operation in migration.operations
        if not operation.reversible
    ]
    assert stuck == []


@pytest.mark.django_db
def test_the_migrations_say_all_that_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True)


def test_every_locked_package_is_held_to_hashes() -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_host_of_anybody() -> None:
    assert re.findall(r"https?://|--(?:extra-)?index-url [^-]|--find-links|file:", LOCK) == []


def test_the_lock_holds_what_the_project_asks_for() -> None:
    versions = locked()
    wrong = [
        str(requirement)
        for requirement in declared()
        if (version := versions.get(requirement.name)) is None or version not in requirement.specifier
    ]
    assert wrong == []


@pytest.mark.parametrize(("name", "floor"), FLOORS.items(), ids=FLOORS)
def test_nothing_with_a_known_hole_is_locked(name: str, floor: str) -> None:
    assert locked()[name] >= Version(floor)
