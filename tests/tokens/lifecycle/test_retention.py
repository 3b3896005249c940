"""Housekeeping of grants: what is wiped at once, what is kept for a while, and what goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts import typeid
from tests.tokens.oauth.calls import Program, make_program
from tokens.grants import opening, revocation, rotation
from tokens.grants.token_pair import TokenPair
from tokens.lifecycle import retention
from tokens.models import Grant, GrantKind, RefreshToken

pytestmark = pytest.mark.django_db
# Ids tell when they were made, so that this cannot be any other day.
START = datetime.now(UTC)


@pytest.fixture
def importer(db: None) -> Program:
    return make_program()


def opened(importer: Program) -> TokenPair:
    return opening.open_for_client(client=importer.row, scope=None, now=START)


def rotate(importer: Program, tokens: TokenPair, now: datetime) -> TokenPair:
    return rotation.rotate(tokens.refresh_token, kinds=(GrantKind.CLIENT,), client=importer.row, now=now)


def test_a_successor_is_wiped_when_its_grace_is_over(importer: Program) -> None:
    first = opened(importer)
    second = rotate(importer, first, START)
    assert retention.wipe_successors(START + timedelta(seconds=9)) == 0
    assert rotate(importer, first, START + timedelta(seconds=9)).refresh_token == second.refresh_token
    assert retention.wipe_successors(START + timedelta(seconds=10)) == 1
    assert not RefreshToken.objects.filter(successor__isnull=False).exists()
    rotate(importer, second, START + timedelta(seconds=11))


def test_a_living_family_is_kept_and_a_dead_one_for_a_month(importer: Program) -> None:
    tokens = opened(importer)
    tokens = rotate(importer, tokens, START + timedelta(days=80))
    assert retention.prune_grants(START + timedelta(days=160)) == 0
    rotate(importer, tokens, START + timedelta(days=160))
    revocation.revoke(Grant.objects.all(), reason="test", now=START + timedelta(days=170))
    assert retention.prune_grants(START + timedelta(days=199)) == 0
    assert retention.prune_grants(START + timedelta(days=201)) == 1
    assert not RefreshToken.objects.exists()


def test_a_family_that_nothing_can_refresh_goes_before_its_absolute_end(importer: Program) -> None:
    opened(importer)
    assert retention.prune_grants(START + timedelta(days=119)) == 0
    assert retention.prune_grants(START + timedelta(days=121)) == 1


def test_ids_are_in_the_order_of_their_making() -> None:
    now = datetime.now(UTC)
    assert (
        retention._first_id(now - timedelta(seconds=1))
        < typeid.new()
        < retention._first_id(now + timedelta(seconds=9))
    )
