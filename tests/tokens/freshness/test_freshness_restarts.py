"""What was refused stays refused: after a flush, a restart with nothing, and one with an older past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from tests.ratelimit.store.own_redis import OwnRedis
from tests.support.clients import program
from tests.support.people import make_token
from tests.support.sessions import opened
from tests.tokens.oauth.calls import error, make_program
from tokens.credentials.cache import credential_cache
from tokens.grants import revocation, rotation
from tokens.models import Grant, GrantKind, ServiceAccountToken
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db(transaction=True)
WHOAMI = "/api/auth/whoami"


def flushed(server: OwnRedis) -> None:
    server.client.flushall()


def restarted_empty(server: OwnRedis) -> None:
    server.client.flushall()
    server.client.save()
    server.kill()
    server.start()


def restarted_with_an_older_past(server: OwnRedis) -> None:
    """With what was saved before the first revocation."""
    server.restart_from_snapshot()


def killed_with_its_workers(server: OwnRedis) -> None:
    server.restart_from_snapshot()
    credential_cache.clear()


RESTARTS = [flushed, restarted_empty, restarted_with_an_older_past, killed_with_its_workers]


@pytest.fixture
def warm(own_redis: OwnRedis, api: APIClient) -> APIClient:
    """A program that this worker remembers, and a snapshot of the store as it is now."""
    Organization.objects.update(requests_per_day=1_000_000)
    for _ in range(2):
        assert api.get(WHOAMI).status_code == 200
    own_redis.snapshot()
    return api


def codes(bearer: Issued | str, times: int = 3) -> set[int]:
    """What several requests get, the first of which may be remembered for the rest."""
    return {program(bearer).get(WHOAMI).status_code for _ in range(times)}


@pytest.mark.parametrize("restart", RESTARTS)
def test_what_ended_before_is_refused_afterwards(
    restart: Callable[[OwnRedis], None],
    own_redis: OwnRedis,
    warm: APIClient,
    owner: Membership,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    issued, session, importer = make_token(owner), opened(owner, GrantKind.SESSION), make_program(owner)
    spent = importer.grant()["refresh_token"]
    assert codes(issued) == codes(session.access_token) == {200}
    assert warm.delete(f"/api/v1/tokens/{issued.token.public_id}").status_code == 204
    revocation.revoke(Grant.objects.filter(pk=session.grant.pk), reason="Over")
    before = timezone.now() - timedelta(minutes=5)
    rotation.rotate(spent, kinds=[GrantKind.CLIENT], client=importer.row, now=before)

    restart(own_redis)

    assert codes(issued) == codes(session.access_token) == {401}
    assert error(importer.refresh(spent)) == "invalid_grant"
    # What still holds is remembered again, in the new epoch.
    assert warm.get(WHOAMI).status_code == warm.get(WHOAMI).status_code == 200
    with django_assert_num_queries(0):
        assert warm.get(WHOAMI).status_code == 200


@pytest.mark.parametrize("restart", RESTARTS)
def test_nothing_remembered_outlives_the_epoch_of_the_store(
    restart: Callable[[OwnRedis], None], own_redis: OwnRedis, warm: APIClient, issued: Issued
) -> None:
    """What was published since is lost with Redis: all that was remembered may have ended in between."""
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(revoked_at=timezone.now())

    restart(own_redis)

    assert codes(issued) == {401}
