"""What a worker remembers of a credential is used without SQL, and never after access was removed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts import errors
from accounts.members import removal
from accounts.models import Membership, Organization
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from ratelimit import invalidation
from ratelimit.store import client
from tests.ratelimit.store.own_redis import OwnRedis
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tokens.credentials import cache
from tokens.credentials.credential import Credential
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db(transaction=True)
WHOAMI = "/api/auth/whoami"


@pytest.fixture
def warm(api: APIClient, owner: Membership) -> APIClient:
    """A program whose credential this worker remembers, with no block to reserve for a while."""
    Organization.objects.filter(pk=owner.organization_id).update(requests_per_day=100_000)
    for _ in range(2):
        assert api.get(WHOAMI).status_code == 200
    return api


def test_what_was_read_before_its_epoch_was_known_is_not_remembered(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert api.get(WHOAMI).status_code == 200
    # 1: the look-up, once more
    with django_assert_num_queries(1):
        api.get(WHOAMI)


def end_by_revoking(issued: Issued) -> None:
    revoke(token=issued.token, actor=SYSTEM)


def end_by_removing(issued: Issued) -> None:
    Membership.objects.create(organization=issued.token.organization, user=make_member().user, role="owner")
    removal.remove(memberships=Membership.objects.filter(tokens=issued.token), actor=SYSTEM)


def end_by_suspending(issued: Issued) -> None:
    update.suspend(organization=issued.token.organization, actor=SYSTEM)


def end_by_deactivating(issued: Issued) -> None:
    user = Membership.objects.get(tokens=issued.token).user
    user.is_active = False
    user.save()


@pytest.mark.parametrize("end", [end_by_revoking, end_by_removing, end_by_suspending, end_by_deactivating])
def test_nothing_remembered_is_accepted_after_it_has_ended(
    warm: APIClient, issued: Issued, end: Callable[[Issued], None]
) -> None:
    end(issued)

    assert warm.get(WHOAMI).status_code == 401


def test_a_change_under_way_sends_every_reader_to_sql(
    warm: APIClient, owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.fence([f"tsr:{{{owner.organization_id.hex}}}:meter"], ["mark", 1, 90_000])
    for _ in range(3):
        # 1: the look-up; nothing is cached while the mark is set
        with django_assert_num_queries(1):
            assert warm.get(WHOAMI).status_code == 200


def test_a_flushed_store_makes_everything_be_read_again(
    warm: APIClient,
    issued: Issued,
    redis_client: object,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    redis_client.flushdb()  # type: ignore[attr-defined]
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(revoked_at=timezone.now())

    assert warm.get(WHOAMI).status_code == 401


def known_as(issued: Issued) -> cache.RequestCredential:
    """One more request with the token, which SQL refuses."""
    return cache.RequestCredential(HttpRequest(), issued.plaintext, lambda raw: errors.INVALID_TOKEN)


def test_an_expiry_bites_what_is_remembered(owner: Membership) -> None:
    issued = make_token(owner, expires_in_days=1)
    for _ in range(3):
        program(issued).get(WHOAMI)
    now = timezone.now()

    assert isinstance(known_as(issued).find(now), Credential)
    assert known_as(issued).find(now + timedelta(days=1, seconds=1)) is errors.INVALID_TOKEN


def test_what_is_remembered_is_read_again_after_a_while(
    warm: APIClient, issued: Issued, settings: Any
) -> None:
    """This is as long as a change of the database by hand may go unnoticed."""
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(revoked_at=timezone.now())
    assert warm.get(WHOAMI).status_code == 200
    settings.CREDENTIAL_MEMORY_SECONDS = 0

    assert warm.get(WHOAMI).status_code == 401


def test_nothing_remembered_is_accepted_while_the_store_is_away(
    warm: APIClient, issued: Issued, own_redis: OwnRedis
) -> None:
    for _ in range(2):
        assert warm.get(WHOAMI).status_code == 200
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(revoked_at=timezone.now())
    own_redis.kill()

    assert warm.get(WHOAMI).status_code == 401


def test_an_epoch_counts_only_for_what_was_read_after_it_was_met() -> None:
    bucket, known = uuid4(), cache.CredentialCache()
    before = time.monotonic()
    known.learn_epoch(bucket, "first")
    assert known.epoch(bucket, before) == ""
    assert known.epoch(bucket, time.monotonic() + 1) == "first"
    known.learn_epoch(bucket, "second")
    assert known.epoch(bucket, before) == ""
    assert known.epoch(bucket, time.monotonic() + 1) == "second"


def test_one_organization_that_cannot_be_told_keeps_no_other_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = []
    lost, other = uuid4(), uuid4()

    def tell(keys: list[str], arguments: list[Any]) -> None:
        if lost.hex in keys[0]:
            raise client.StoreUnavailable
        results.append(arguments[0])

    monkeypatch.setattr(client, "fence", tell)
    with pytest.raises(client.StoreUnavailable):
        invalidation.republish({lost: 1, other: 1})

    assert results == ["publish"]


def test_without_a_store_nothing_is_remembered(
    settings: Settings, issued: Issued, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.REDIS_URL = ""
    api = program(issued)
    for _ in range(3):
        assert api.get(WHOAMI).status_code == 200
    assert not cache.credential_cache.entries


def test_the_memory_is_bounded(settings: Settings, owner: Membership) -> None:
    settings.CREDENTIAL_MEMORY_SIZE = 3
    for issued in [make_token(owner) for _ in range(5)]:
        for _ in range(2):
            program(issued).get(WHOAMI)

    assert len(cache.credential_cache.entries) <= 3


def test_a_revocation_that_the_store_did_not_hear_of_is_not_confirmed(
    warm: APIClient, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> None:
        raise client.StoreUnavailable

    monkeypatch.setattr(client, "fence", unavailable)
    with pytest.raises(client.StoreUnavailable):
        revoke(token=issued.token, actor=SYSTEM)
    monkeypatch.undo()
    # Committed all the same; the repetition is what confirms it.
    assert Organization.objects.get(pk=issued.token.organization_id).generation == 1
    revoke(token=issued.token, actor=SYSTEM)

    assert warm.get(WHOAMI).status_code == 401


def test_a_change_that_is_rolled_back_leaves_the_credential_good(warm: APIClient, issued: Issued) -> None:
    class Regretted(Exception):
        pass

    @transaction.atomic
    def regretted() -> None:
        revoke(token=issued.token, actor=SYSTEM)
        raise Regretted

    with pytest.raises(Regretted):
        regretted()

    assert warm.get(WHOAMI).status_code == 200
