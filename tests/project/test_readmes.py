"""What the README files name exists: paths, links and headings; each app's README lists its rooms."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "config", "ratelimit", "tokens")
READMES = [ROOT / "README.md", *(ROOT / app / "README.md" for app in APPS)]
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(APPS)}|templates|tests)/[\w./*-]*[\w*]")
LINK = re.compile(r"\]\(([^)#]*)#?([^)]*)\)")
# Django requires these folders under these names.
OF_DJANGO = {"management", "migrations", "templatetags"}


def anchors(file: Path) -> set[str]:
    """The anchors that GitHub makes of a file's headings."""
    titles = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def rooms() -> Iterator[str]:
    for file in sorted(path for app in APPS for path in (ROOT / app).rglob("__init__.py")):
        room = file.parent.relative_to(ROOT)
        if len(room.parts) > 1 and OF_DJANGO.isdisjoint(room.parts):
            yield str(room)


def purpose(room: str) -> str:
    """The first sentence of the room's docstring."""
    docstring = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or ""
    return docstring.split(". ")[0].split("\n")[0].rstrip(".") + "."


@pytest.mark.parametrize("readme", READMES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_path_that_a_readme_names_exists(readme: Path) -> None:
    named = PATH.findall(readme.read_text())
    assert [path for path in named if not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_of_a_readme_leads_to_a_file_and_a_heading(readme: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(readme.read_text()):
        file = readme.parent / target if target else readme
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_each_apps_readme_lists_its_rooms_with_the_first_sentence_of_their_docstrings() -> None:
    lines = {app: (ROOT / app / "README.md").read_text().splitlines() for app in APPS}
    listed = [(room, f"* `{room}`: {purpose(room)}") for room in rooms()]
    assert [line for room, line in listed if line not in lines[room.partition("/")[0]]] == []
