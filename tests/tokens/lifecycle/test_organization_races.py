"""A deletion against what is made in the same instant, on a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.organizations import deletion
from tests.support.people import actor, make_member, make_token
from tests.support.threads import at_once
from tests.tokens.service_accounts.test_races import after, creation
from tokens.credentials import token_lookup
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "8"))


def deleting(owner: Membership) -> Callable[[], object]:
    return partial(deletion.delete, actor=actor(owner), typed_name=owner.organization.name)


def test_no_token_outlives_a_deletion_that_races_its_creation() -> None:
    outcomes = set()
    for number in range(ROUNDS):
        owner = make_member()
        tasks: list[Callable[[], object]] = [deleting(owner)]
        tasks += [partial(after, number % 9 + n, creation(owner, f"{number} {n}")) for n in range(3)]
        deleted, *results = at_once(tasks)
        made = [result for result in results if isinstance(result, Issued)]
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert isinstance(deleted, Organization), deleted
        assert refused == [errors.TOKEN_REVOKED] * (3 - len(made)), results
        for issued in made:
            assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED
        assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()
        outcomes |= {bool(made), not refused}
    # A race that always ends alike has tested nothing.
    assert outcomes == {True, False} or ROUNDS < 20


def test_two_owners_who_delete_it_at_once_delete_it_once() -> None:
    for _ in range(5):
        owner = make_member()
        make_token(owner)
        results = at_once([deleting(owner), deleting(make_member(owner.organization))])
        assert sum(isinstance(result, Organization) for result in results) == 1
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert refused == [errors.TOKEN_REVOKED]
