"""Fixtures of the product: organizations, people and credentials to test with."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.clients import program
from tests.people import browser_of, make_member, make_token, make_user
from tokens.issuing import Issued


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
