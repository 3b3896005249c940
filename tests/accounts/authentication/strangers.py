"""Clients of strangers, and the person whose password they guess."""

from __future__ import annotations

import pytest

from accounts.models import User
from tests.accounts.authentication.flows import (
    login_json,
    make_person,
    sign_in,
)
from tests.support.mails import MailingClient

EMAIL = "ann@example.com"
WRONG = "a-wrong-passphrase"
HOME, OFFICE = "192.0.2.1", "192.0.2.2"


def stranger(number: int = 0) -> MailingClient:
    return MailingClient(REMOTE_ADDR=f"198.51.100.{number}")


def guess(number: int, times: int = 12, password: str = WRONG) -> list[int]:
    return [login_json(stranger(number), EMAIL, password).status_code for _ in range(times)]


@pytest.fixture
def person(db: None) -> User:
    return make_person(EMAIL)


@pytest.fixture
def home(person: User) -> MailingClient:
    """A browser that has signed in before, and is at a stranger's network by now."""
    browser = MailingClient(REMOTE_ADDR=HOME)
    sign_in(browser)
    browser.post("/accounts/logout/")
    browser.defaults["REMOTE_ADDR"] = stranger(0).defaults["REMOTE_ADDR"]
    return browser
