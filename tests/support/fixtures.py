"""Fixtures of the product: organizations, people and credentials to test with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from redis.connection import AbstractConnection
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_token, make_user
from tokens.service_accounts.issue import Issued


@pytest.fixture
def owner(db: None) -> Membership:
    """The owner of an organization on the free plan."""
    return make_member()


@pytest.fixture
def issued(owner: Membership) -> Issued:
    """A token of the owner's organization that may do everything."""
    return make_token(owner, "Everything", ["*:*:*"])


@pytest.fixture
def api(issued: Issued) -> APIClient:
    """A program with that token."""
    return program(issued)


@pytest.fixture
def staff(db: None) -> Client:
    """The browser of a superuser who is signed in."""
    return browser_of(make_user("staff@example.com", is_staff=True, is_superuser=True))


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was sent to Redis, one entry for each time that an answer is waited for."""
    sent: list[bytes] = []
    send: Callable[..., None] = AbstractConnection.send_packed_command

    def counting(self: AbstractConnection, command: Any, check_health: bool = True) -> None:
        sent.append(command if isinstance(command, bytes) else b"".join(command))
        send(self, command, check_health)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)
    return sent
