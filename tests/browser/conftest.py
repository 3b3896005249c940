"""A real Chromium against the live server, and what no page of ours may make it complain about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, User
from accounts.organizations import provisioning
from accounts.permissions.roles import Role
from tests.support.browsers import chromium
from tests.support.people import PASSWORD, fresh_browser_of, make_member, make_organization
from tests.support.waiting import PATIENCE

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    # Playwright's loop runs in the test's own thread, where Django takes every query for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def ada(transactional_db: None) -> User:
    """The owner of Acme, with a password and a verified address."""
    user = provisioning.person(email="ada@example.com", password=PASSWORD, name="Ada Lovelace")
    make_member(make_organization("Acme"), Role.OWNER, user)
    return user


@pytest.fixture
def acme(ada: User) -> Membership:
    return Membership.objects.select_related("organization", "user").get(user=ada)


@pytest.fixture
def new_page(chrome: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """``new_page(color_scheme="dark", …)`` is a page in a context of its own; complaints fail the test."""
    complaints: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # Chromium itself reports every answer past 399, which some tests are about.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            complaints.append(f"{message.text} ({message.location['url']})")

    def make(**options: Any) -> Page:
        context = chrome.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(f"{error} ({page.url})"))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def signed_in(page: Page, ada: User) -> Page:
    return sign_in(page, ada)


def sign_in(page: Page, user: User) -> Page:
    """On the page of tokens, without the form, which has tests of its own."""
    session = fresh_browser_of(user).cookies[settings.SESSION_COOKIE_NAME].value
    page.goto("/healthz")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.url}])
    page.goto("/settings/tokens/")
    return page
