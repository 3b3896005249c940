"""The report of a pause: refused calls and their addresses, of this pause alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership
from ratelimit.usage import refused_uses
from tests.support.people import actor, make_token
from tokens.credentials.token_lookup import cause_of_pause
from tokens.models import ServiceAccountToken
from tokens.service_accounts.pause import pause, resume
from tokens.service_accounts.pause_report import MOST_ADDRESSES, NONE, PauseReport, report
from tokens.service_accounts.revoke import stop

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def ci(owner: Membership) -> ServiceAccountToken:
    return make_token(owner, "ci", now=NOON - DAY).token


def refuse(token: ServiceAccountToken, at: datetime, *addresses: str) -> None:
    """Count refused calls during the pause that began at NOON."""
    cause = cause_of_pause(NOON)
    for address in addresses:
        refused_uses.count(token.organization_id, token.pk, address, cause, now=at.timestamp())


def of(token: ServiceAccountToken, now: datetime) -> PauseReport:
    return report(ServiceAccountToken.objects.get(pk=token.pk), now)


def test_it_counts_calls_and_addresses_of_the_pause(
    owner: Membership, ci: ServiceAccountToken, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pause(token=ci, actor=actor(owner), until=NOON + DAY, reason="Is it needed?", now=NOON)
    refuse(ci, NOON + HOUR, "192.0.2.1", "192.0.2.2", "192.0.2.2")
    refused_uses.count(ci.organization_id, ci.pk, "192.0.2.3", now=(NOON + HOUR).timestamp())
    token = ServiceAccountToken.objects.get()
    # 1: the stored counts by address
    with django_assert_num_queries(1):
        found = report(token, NOON + 2 * HOUR)
    assert (found.calls, found.other_calls) == (3, 0)
    assert [(one.address, one.count) for one in found.addresses] == [("192.0.2.2", 2), ("192.0.2.1", 1)]
    assert (found.paused_at, found.paused_until, found.ended_at) == (NOON, NOON + DAY, None)
    assert (found.reason, found.counted_since) == ("Is it needed?", NOON)


def test_further_and_unknown_addresses_are_summed(owner: Membership, ci: ServiceAccountToken) -> None:
    pause(token=ci, actor=actor(owner), now=NOON)
    refuse(ci, NOON, "", *(f"192.0.2.{number}" for number in range(MOST_ADDRESSES + 2)))
    found = of(ci, NOON)
    assert len(found.addresses) == MOST_ADDRESSES
    assert "" not in {one.address for one in found.addresses}
    assert (found.calls, found.other_calls) == (MOST_ADDRESSES + 3, 3)


def test_it_stays_after_the_resumption_and_the_next_pause_begins_at_zero(
    owner: Membership, ci: ServiceAccountToken
) -> None:
    pause(token=ci, actor=actor(owner), now=NOON)
    refuse(ci, NOON, "192.0.2.1")
    resume(token=ci, actor=actor(owner), now=NOON + HOUR)
    found = of(ci, NOON + DAY)
    assert (found.calls, found.ended_at) == (1, NOON + HOUR)
    pause(token=ci, actor=actor(owner), now=NOON + DAY)
    found = of(ci, NOON + DAY)
    assert (found.calls, found.paused_at, found.ended_at) == (0, NOON + DAY, None)


def test_a_pause_ends_by_its_until_or_with_the_token(owner: Membership, ci: ServiceAccountToken) -> None:
    pause(token=ci, actor=actor(owner), until=NOON + 2 * HOUR, now=NOON)
    assert of(ci, NOON + 2 * HOUR).ended_at == NOON + 2 * HOUR
    stop(ServiceAccountToken.objects.filter(pk=ci.pk), actor=actor(owner), reason="", now=NOON + HOUR)
    assert of(ci, NOON + 3 * HOUR).ended_at == NOON + HOUR


def test_counts_are_reported_as_long_as_they_are_kept(owner: Membership, ci: ServiceAccountToken) -> None:
    assert of(ci, NOON) == NONE
    pause(token=ci, actor=actor(owner), now=NOON)
    assert of(ci, NOON + 100 * DAY).counted_since == NOON + 10 * DAY
    resume(token=ci, actor=actor(owner), now=NOON + HOUR)
    assert of(ci, NOON + 90 * DAY).ended_at == NOON + HOUR
    assert of(ci, NOON + 91 * DAY) == NONE
