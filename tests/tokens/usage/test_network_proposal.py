"""Networks that programs were called from, and what lists would have refused of their calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from accounts.models import Membership
from ratelimit.models import DailyStatistics
from ratelimit.statistics.counts import Seen, names_as_json
from tests.support.people import actor, make_member, make_token
from tests.tokens.oauth.calls import make_program
from tokens.service_accounts.revoke import revoke
from tokens.usage.network_proposal import (
    DAYS,
    SeenNetwork,
    calls_of_programs,
    calls_of_token,
    effect,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)
# A documentation network of each kind (RFC 5737, RFC 3849).
FIRST, SECOND, SIX = "203.0.113.0/24", "198.51.100.0/24", "2001:db8:1::/48"


def seen(calls: int, days_ago: int = 0) -> Seen:
    at = NOW - days_ago * DAY
    return Seen(calls, at, at)


CALLS = {
    UUID(int=1): {FIRST: seen(15), SECOND: seen(2, 1)},
    UUID(int=2): {SIX: seen(60), "": seen(4)},
    UUID(int=3): {},
}


def test_networks_are_listed_busiest_first_and_the_rest_last() -> None:
    found = effect(CALLS)
    assert found.networks == [
        SeenNetwork(SIX, 60, 0, 0, NOW),
        SeenNetwork(FIRST, 15, 0, 0, NOW),
        SeenNetwork(SECOND, 2, 0, 0, NOW - DAY),
        SeenNetwork("other", 4, 0, 0, NOW),
    ]
    assert found.proposal == [SIX, FIRST, SECOND]
    assert (found.programs, found.refused_programs, found.calls, found.refused) == (2, 0, 81, 0)


@pytest.mark.parametrize(
    ("lists", "refused", "unclear", "programs"),
    [
        ([[]], [], [], 0),
        ([["203.0.113.7"]], [SIX, SECOND], [FIRST, "other"], 2),
        ([["0.0.0.0/0"]], [SIX], ["other"], 1),
        ([["0.0.0.0/0", "2001:db8:1:2::/64"], []], [], [SIX, "other"], 0),
        ([[FIRST, "::/0"], [SECOND, "::/0"]], [FIRST, SECOND], ["other"], 1),
        ([["203.0.0.0/16", "::/0"], [SECOND, "203.0.113.0/25"]], [SIX, SECOND], [FIRST, "other"], 2),
    ],
)
def test_calls_are_refused_outside_of_one_list_and_unclear_inside_a_part_of_their_network(
    lists: list[list[str]], refused: list[str], unclear: list[str], programs: int
) -> None:
    found = effect(CALLS, *lists)
    assert [one.network for one in found.networks if one.refused] == refused
    assert [one.network for one in found.networks if one.unclear] == unclear
    assert all(one.calls in (one.admitted, one.refused, one.unclear) for one in found.networks)
    assert found.admitted + found.refused + found.unclear == 81
    assert found.refused_programs == programs


def test_the_proposal_refuses_nothing_that_it_names_and_has_at_most_twenty_entries() -> None:
    assert effect(CALLS, effect(CALLS).proposal).refused == 0
    many = {UUID(int=1): {f"10.0.{number}.0/24": seen(100 - number) for number in range(25)}}
    assert effect(many).proposal == [f"10.0.{number}.0/24" for number in range(20)]
    others = sum(100 - number for number in range(20, 25))
    assert effect(many, effect(many).proposal).networks[20:] == [SeenNetwork("other", others, others, 0, NOW)]


def use(owner: Membership, subject: UUID, network: str, calls: int, days_ago: int = 0) -> None:
    DailyStatistics.objects.create(
        bucket=owner.organization_id,
        subject=subject,
        day=(NOW - days_ago * DAY).date(),
        networks=names_as_json({network: seen(calls, days_ago)}),
    )


@pytest.mark.django_db
def test_active_programs_of_the_last_thirty_days_count() -> None:
    owner, other = make_member(), make_member()
    token, stopped, client = make_token(owner).token, make_token(owner).token, make_program(owner).row
    revoke(token=stopped, actor=actor(owner))
    use(owner, token.pk, FIRST, 1)
    use(owner, token.pk, FIRST, 2, DAYS - 1)
    use(owner, token.pk, SECOND, 4, DAYS)
    use(owner, stopped.pk, SECOND, 8)
    use(owner, client.pk, SIX, 16)
    use(other, make_token(other).token.pk, SECOND, 32)
    of_token = effect(calls_of_token(token, NOW))
    assert [(one.network, one.calls) for one in of_token.networks] == [(FIRST, 3)]
    of_all = effect(calls_of_programs(owner.organization, NOW))
    assert [(one.network, one.calls) for one in of_all.networks] == [(SIX, 16), (FIRST, 3)]
    assert of_all.programs == 2
