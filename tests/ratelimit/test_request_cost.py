"""What a request costs the stores: statements of SQL and round trips to Redis, each of them named."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from ratelimit import limiter
from ratelimit.statistics.observations import gatherer
from ratelimit.types import FixedWindow
from tests.ratelimit.limit_requests import new_limit_request
from tests.support.clients import program
from tests.support.people import make_plan, make_token
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken

pytestmark = pytest.mark.django_db
WHOAMI = "/api/auth/whoami"


def on_plan(owner: Membership, requests_per_day: int | None) -> None:
    plan = make_plan(f"plan-{requests_per_day}", requests_per_day)
    Organization.objects.filter(pk=owner.organization_id).update(plan=plan)


def test_a_warm_request_costs_no_statement_and_one_round_trip(
    api: APIClient,
    owner: Membership,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    on_plan(owner, 100_000)
    assert api.get(WHOAMI).status_code == 200
    # 1: the token by its digest, joined with its organization, plan and responsible member
    with django_assert_num_queries(1):
        assert api.get(WHOAMI).status_code == 200
    round_trips.clear()
    with django_assert_num_queries(0):
        assert api.get(WHOAMI).status_code == 200
    # 1: EVALSHA of decide.lua
    assert len(round_trips) == 1
    assert b"EVALSHA" in round_trips[0]


def test_an_unlimited_request_costs_the_same_from_the_first(
    api: APIClient,
    owner: Membership,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    limiter.hit(new_limit_request(), None)
    on_plan(owner, None)
    round_trips.clear()
    # 1: the token by its digest
    with django_assert_num_queries(1):
        assert api.get(WHOAMI).status_code == 200
    # 1: EVALSHA of decide.lua
    assert len(round_trips) == 1


def test_a_block_costs_one_statement_and_one_round_trip_more(
    api: APIClient,
    owner: Membership,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    limiter.hit(new_limit_request(), None)
    on_plan(owner, 5_000)
    round_trips.clear()
    # 1: the token by its digest; 2: the reservation of a block of 100
    with django_assert_num_queries(2):
        assert api.get(WHOAMI).status_code == 200
    # 1: EVALSHA answers that a block is needed; 2: EVALSHA with the block
    assert len(round_trips) == 2
    round_trips.clear()
    # 1: the token by its digest once more, now under an epoch that is known
    with django_assert_num_queries(1):
        for _ in range(99):
            api.get(WHOAMI)
    assert len(round_trips) == 99


def test_a_token_with_a_limit_and_a_counted_secret_costs_no_more_besides_its_blocks(
    owner: Membership, round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limiter.hit(new_limit_request(), None)
    on_plan(owner, 5_000)
    issued = make_token(owner)
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(requests_per_day=2_500)
    issued.token.secrets.update(is_counted=True)
    api = program(issued)
    round_trips.clear()
    # 1: the token by its digest; 2: a block of 100 for the organization; 3: a block of 50 for the token
    with django_assert_num_queries(3):
        assert api.get(WHOAMI).status_code == 200
    # 1 and 2: EVALSHA answers that a block is needed; 3: EVALSHA with the block
    assert len(round_trips) == 3
    round_trips.clear()
    # 1: the token by its digest once more, now under an epoch that is known
    with django_assert_num_queries(1):
        for _ in range(49):
            api.get(WHOAMI)
    assert len(round_trips) == 49
    # 1: the token's next block
    with django_assert_num_queries(1):
        for _ in range(50):
            assert api.get(WHOAMI).status_code == 200
    assert len(round_trips) == 49 + 51


def test_a_refused_request_costs_no_more(
    api: APIClient,
    owner: Membership,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    on_plan(owner, 1)
    api.get(WHOAMI)
    round_trips.clear()
    # 1: the token by its digest
    with django_assert_num_queries(1):
        assert api.get(WHOAMI).status_code == 429
    # 1: EVALSHA of decide.lua
    assert len(round_trips) == 1


def test_the_statistics_of_a_second_cost_one_round_trip_outside_the_requests(
    api: APIClient,
    owner: Membership,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    on_plan(owner, None)
    for _ in range(5):
        assert api.get(WHOAMI).status_code == 200
    round_trips.clear()
    with django_assert_num_queries(0):
        gatherer.flush()
    # 1: EVAL of add_statistics.lua, which the thread of each process sends once a second
    assert len(round_trips) == 1


@pytest.mark.parametrize("bearer", ["x", "tsr_sa_short", "tsr_sa_" + "!" * 43, "a" * 63, "a" * 8000])
def test_a_malformed_token_costs_nothing(
    bearer: str, round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert program(bearer).get(WHOAMI).status_code == 401
    assert round_trips == []


def test_no_credential_costs_nothing(
    round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert Client().get(WHOAMI).status_code == 401
    assert round_trips == []


def test_an_unknown_token_costs_one_statement_and_one_round_trip(
    round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limiter.hit_window(FixedWindow("warm", "warm", 1))
    round_trips.clear()
    # 1: the token by its digest
    with django_assert_num_queries(1):
        assert program(opaque.new().plaintext).get(WHOAMI).status_code == 401
    # 1: EVALSHA of window.lua, the address's limit of refusals
    assert len(round_trips) == 1


def test_without_redis_a_tokens_limit_and_a_counted_secret_cost_a_query_each(
    owner: Membership, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.REDIS_URL = ""
    issued = make_token(owner)
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(requests_per_day=50)
    issued.token.secrets.update(is_counted=True)
    # 1 to 7: as without them; 8: one request of the token's day; 9: the secret's count
    with django_assert_num_queries(9):
        assert program(issued).get(WHOAMI).status_code == 200


def test_without_redis_a_request_costs_no_round_trip(
    owner: Membership,
    settings: Settings,
    round_trips: list[bytes],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.REDIS_URL = ""
    api = program(make_token(owner))
    # 1: the token by its digest; 2: the database's clock; 3: SAVEPOINT; 4: one request of the day;
    # 5 and 6: the day's and the hour's count; 7: RELEASE SAVEPOINT
    with django_assert_num_queries(7):
        assert api.get(WHOAMI).status_code == 200
    assert round_trips == []
