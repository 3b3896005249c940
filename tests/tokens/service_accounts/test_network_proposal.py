"""Networks that programs were called from, and what lists would have refused of their calls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from accounts.models import Membership
from ratelimit.models import DailyUsage
from ratelimit.usage.reports import RecentAddress
from tests.support.people import actor, make_member, make_token
from tests.tokens.oauth.calls import make_program
from tokens.service_accounts.network_proposal import (
    DAYS,
    SeenNetwork,
    calls_of_programs,
    calls_of_token,
    effect,
)
from tokens.service_accounts.revoke import revoke

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = NOW.date()


def seen(address: str, calls: int, days_ago: int = 0) -> RecentAddress:
    day = TODAY - timedelta(days=days_ago)
    return RecentAddress(address, day, calls, datetime.combine(day, NOW.time(), UTC))


CALLS = {
    UUID(int=1): [seen("203.0.113.7", 10), seen("203.0.113.9", 5, 3), seen("198.51.100.1", 2, 1)],
    UUID(int=2): [seen("2001:db8:1:2::3", 30), seen("2001:db8:1:4::5", 30, 1)],
    UUID(int=3): [],
}


def test_addresses_are_grouped_and_a_single_one_stays_an_address() -> None:
    found = effect(CALLS)
    assert found.networks == [
        SeenNetwork("2001:db8:1::/48", 60, 0, TODAY),
        SeenNetwork("203.0.113.0/24", 15, 0, TODAY),
        SeenNetwork("198.51.100.1", 2, 0, TODAY - timedelta(days=1)),
    ]
    assert found.proposal == ["2001:db8:1::/48", "203.0.113.0/24", "198.51.100.1"]
    assert (found.programs, found.refused_programs, found.calls, found.refused) == (2, 0, 77, 0)


@pytest.mark.parametrize(
    ("lists", "refused", "programs"),
    [
        ([[]], {}, 0),
        ([["203.0.113.7"]], {"2001:db8:1::/48": 60, "203.0.113.0/24": 5, "198.51.100.1": 2}, 2),
        ([["0.0.0.0/0"]], {"2001:db8:1::/48": 60}, 1),
        ([["0.0.0.0/0", "2001:db8:1:2::/64"], []], {"2001:db8:1::/48": 30}, 1),
        (
            [["203.0.113.0/24", "::/0"], ["198.51.100.0/24", "::/0"]],
            {"203.0.113.0/24": 15, "198.51.100.1": 2},
            1,
        ),
    ],
)
def test_a_call_is_refused_if_one_of_the_lists_lacks_its_address(
    lists: list[list[str]], refused: dict[str, int], programs: int
) -> None:
    found = effect(CALLS, *lists)
    assert {one.network: one.refused for one in found.networks if one.refused} == refused
    assert (found.refused, found.admitted) == (sum(refused.values()), 77 - sum(refused.values()))
    assert found.refused_programs == programs


def test_the_proposal_refuses_nothing_that_it_names_and_has_at_most_twenty_entries() -> None:
    assert effect(CALLS, effect(CALLS).proposal).refused == 0
    many = {UUID(int=1): [seen(f"10.0.{number}.1", 100 - number, number) for number in range(25)]}
    assert effect(many).proposal == [f"10.0.{number}.1" for number in range(20)]
    assert effect(many, effect(many).proposal).refused == sum(100 - number for number in range(20, 25))


def use(owner: Membership, subject: UUID, address: str, calls: int, day: date) -> None:
    DailyUsage.objects.create(
        bucket=owner.organization_id,
        subject=subject,
        day=day,
        calls=calls,
        last_used_at=datetime.combine(day, NOW.time(), UTC),
        last_used_ip=address,
    )


@pytest.mark.django_db
def test_active_programs_of_the_last_thirty_days_count() -> None:
    owner, other = make_member(), make_member()
    token, stopped, client = make_token(owner).token, make_token(owner).token, make_program(owner).row
    revoke(token=stopped, actor=actor(owner))
    use(owner, token.pk, "203.0.113.7", 1, TODAY)
    use(owner, token.pk, "203.0.113.8", 2, TODAY - timedelta(days=DAYS - 1))
    use(owner, token.pk, "198.51.100.1", 4, TODAY - timedelta(days=DAYS))
    use(owner, stopped.pk, "198.51.100.2", 8, TODAY)
    use(owner, client.pk, "192.0.2.1", 16, TODAY)
    use(other, make_token(other).token.pk, "198.51.100.3", 32, TODAY)
    of_token = effect(calls_of_token(token, NOW))
    assert [(one.network, one.calls) for one in of_token.networks] == [("203.0.113.0/24", 3)]
    of_all = effect(calls_of_programs(owner.organization, NOW))
    assert [(one.network, one.calls) for one in of_all.networks] == [
        ("192.0.2.1", 16),
        ("203.0.113.0/24", 3),
    ]
    assert of_all.programs == 2
