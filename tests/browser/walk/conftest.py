"""A window whose pages are examined, and one fact for each rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.walk.rules import RULES, Broken, broken
from tests.support.npm_packages import folder

__all__ = ["folder"]

LOOKS = (Path(__file__).parent / "looks.js").read_text()

KeepRules = Callable[..., None]


@pytest.fixture(scope="session")
def axe(folder: Path) -> str:
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture
def page(new_page: Callable[..., Page], live_server: LiveServer, settings: Settings) -> Page:
    settings.BASE_URL = live_server.url
    page = new_page(reduced_motion="reduce", color_scheme="light")
    page.add_init_script(LOOKS)
    return page


@pytest.fixture
def keep_rules(page: Page, axe: str, subtests: pytest.Subtests) -> KeepRules:
    """``keep_rules(walk(page, …))`` visits the pages of the walk once; each rule is a fact of its own."""

    def check(states: Iterable[str], rules: Iterable[str] = RULES) -> None:
        for rule, pages in broken(page, axe, states, rules).items():
            with subtests.test(rule):
                assert not pages, sentence(rule, pages)

    return check


def sentence(rule: str, pages: Broken) -> str:
    return "\n".join([f"Not so: {rule}.", *(f"{where}: {problems}" for where, problems in pages.items())])
