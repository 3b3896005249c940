"""Fixtures of the product: organizations, people and credentials to test with."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.clients import program
from tests.people import make_member, make_token
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
