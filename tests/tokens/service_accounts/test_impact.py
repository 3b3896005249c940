"""Recent use of programs, and what ends together with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from ratelimit.sql import usage_rows
from ratelimit.store.usage_counters import Counter
from ratelimit.usage import reports
from tests.support.clients import program
from tests.support.people import make_token
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.service_accounts.ending import Ending, ending
from tokens.service_accounts.impact import Impact, impacts, together
from tokens.usage.networks import NetworkUse

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
BUCKET = UUID(int=1)
UNUSED = Impact(0, 0, None, None, used_in_7_days=False)


def called(subject: UUID, at: datetime, calls: int = 1, address: str = "203.0.113.7") -> None:
    """Store calls of the hour of ``at``, the last of them at that moment."""
    counter = Counter(BUCKET, subject, at.date(), "", {at.hour: calls})
    counter.last_used_at, counter.last_used_ip = at, address
    usage_rows.keep([counter])


def impact(subject: UUID) -> Impact:
    return impacts(BUCKET, reports.totals(BUCKET, [subject], now=NOW), NOW)[subject]


def test_calls_are_summed_over_24_hours_and_7_days() -> None:
    subject = uuid4()
    for ago, calls in ((timedelta(minutes=2), 1), (timedelta(hours=23), 2), (timedelta(days=6), 4)):
        called(subject, NOW - ago, calls)
    called(subject, NOW - timedelta(days=8), 8)
    called(uuid4(), NOW, 16)
    found = impact(subject)
    assert (found.calls_24h, found.calls_7d, found.used_in_7_days) == (3, 7, True)
    assert (found.last_used_at, found.last_used_ip) == (NOW - timedelta(minutes=2), "203.0.113.7")


def test_a_program_that_was_never_used_has_no_impact() -> None:
    assert impact(uuid4()) == UNUSED


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(hours=24), (1, 1, True)),
        (timedelta(hours=24, seconds=1), (0, 1, True)),
        (timedelta(days=7), (0, 1, True)),
        (timedelta(days=7, seconds=1), (0, 0, False)),
    ],
)
def test_the_last_use_decides_to_the_second(ago: timedelta, expected: tuple[int, int, bool]) -> None:
    """Counts by hour and day reach back further than 24 hours and 7 days."""
    subject = uuid4()
    called(subject, NOW - ago)
    found = impact(subject)
    assert (found.calls_24h, found.calls_7d, found.used_in_7_days) == expected
    assert found.last_used_at == NOW - ago


def test_networks_of_the_last_calls_of_each_day_are_listed_busiest_first() -> None:
    subject = uuid4()
    for days, calls, address in (
        (0, 2, "203.0.113.7"),
        (1, 1, "203.0.113.9"),
        (2, 4, "2001:db8:1:2::3"),
        (8, 8, "198.51.100.1"),
    ):
        called(subject, NOW - timedelta(days=days), calls, address)
    assert impact(subject).networks == (
        NetworkUse("2001:db8:1::/48", 4, NOW - timedelta(days=2)),
        NetworkUse("203.0.113.0/24", 3, NOW),
    )


def test_several_are_summed_with_the_last_use_of_all() -> None:
    early, late = (
        Impact(1, 2, NOW - timedelta(hours=hours), address, used_in_7_days=True)
        for hours, address in ((2, "203.0.113.1"), (1, "203.0.113.2"))
    )
    assert together([early, UNUSED, late]) == Impact(
        2, 4, late.last_used_at, "203.0.113.2", used_in_7_days=True
    )
    assert together([UNUSED]) == together([]) == UNUSED


def ends(owner: Membership, *roots: ServiceAccountToken | OAuthClient, now: datetime) -> Ending:
    used = reports.totals(owner.organization_id, [one.pk for one in roots], now=now)
    return ending(owner.organization_id, used, now)


def test_created_programs_end_with_their_parent_over_generations(owner: Membership) -> None:
    rights = ["tokens.manage", "clients.manage", "index:read:*"]
    parent = make_token(owner, "parent", rights)
    body = {"name": "child", "permissions": rights, "expiresInDays": 1}
    child = program(parent).post("/api/v1/tokens", body).json()
    body = {"name": "grandchild", "scopes": ["index:read:*"]}
    program(child["token"]).post("/api/v1/clients", body)
    make_token(owner, "other")
    now = datetime.now(UTC)
    found = ends(owner, parent.token, now=now)
    assert [(one.name, use.calls_7d) for one, use in found.tokens] == [("child", 1)]
    assert [(one.name, use.calls_7d) for one, use in found.clients] == [("grandchild", 0)]
    assert found.impacts[parent.token.pk].calls_7d == 1
    assert found.total.calls_7d == 2
    # Chosen itself, a child is no consequence of its parent.
    both = ends(owner, parent.token, ServiceAccountToken.objects.get(name="child"), now=now)
    assert (both.tokens, [one.name for one, _ in both.clients]) == ([], ["grandchild"])


def test_reading_costs_the_same_for_3_programs_and_for_300(round_trips: list[bytes]) -> None:
    def cost(number: int) -> tuple[int, int]:
        subjects = [uuid4() for _ in range(number)]
        for subject in subjects:
            called(subject, NOW)
        used = reports.totals(BUCKET, subjects, now=NOW)
        round_trips.clear()
        with CaptureQueriesContext(connection) as queries:
            assert ending(BUCKET, used, NOW).total.calls_7d == number
        return len(queries), len(round_trips)

    # Created tokens and clients, hours, days, addresses; the last three in Redis too.
    assert cost(3) == cost(300) == (5, 3)
