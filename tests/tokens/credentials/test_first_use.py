"""The first use of a rotated token's new secret ends the overlap of the old one after the chosen delay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from accounts import errors
from accounts.models import Membership, Organization
from tests.support.clients import program
from tests.support.people import actor, make_plan, make_token
from tokens.credentials import first_use
from tokens.credentials.credential import Credential
from tokens.credentials.token_lookup import authenticate_token
from tokens.models import TokenSecret
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.rotation import cancel, finish, rotate, running

pytestmark = pytest.mark.django_db
WHOAMI = "/api/auth/whoami"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rotated(owner: Membership, **how: int) -> tuple[Issued, Issued]:
    """A token before and after its rotation, whose overlap ends a minute after the new secret's first use."""
    issued = make_token(owner)
    how = {"close_after_first_use_seconds": 60} | how
    return issued, rotate(token=issued.token, actor=actor(owner), **how)  # type: ignore[arg-type]


def status(issued: Issued) -> int:
    return int(program(issued).get(WHOAMI).status_code)


def test_the_old_secret_ends_a_minute_after_the_first_use(owner: Membership) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        old, new = rotated(owner)
        clock.move_to(NOON + 60 * MINUTE)
        assert (status(old), status(new)) == (200, 200)
        clock.move_to(NOON + 61 * MINUTE - timedelta(microseconds=1))
        assert (status(old), status(new)) == (200, 200)
        clock.move_to(NOON + 61 * MINUTE)
        assert (status(old), status(new)) == (401, 200)


def test_a_first_use_never_lengthens_the_overlap(owner: Membership) -> None:
    with time_machine.travel(NOON, tick=False):
        _, new = rotated(owner, overlap_seconds=30)
        status(new)
        found = running(type(new.token).objects.get(), NOON)
        assert found is not None
        assert found.ends_at == NOON + timedelta(seconds=30)


def test_a_delay_of_zero_ends_the_old_secret_with_the_first_use(owner: Membership) -> None:
    old, new = rotated(owner, close_after_first_use_seconds=0)
    assert [status(one) for one in (old, new, old, new)] == [200, 200, 401, 200]


def test_a_first_use_after_the_next_rotation_leaves_the_overlap_of_the_used_secret(owner: Membership) -> None:
    old, second = rotated(owner, close_after_first_use_seconds=0)
    finish(token=old.token, actor=actor(owner))
    third = rotate(token=old.token, actor=actor(owner))
    assert [status(one) for one in (second, third, second)] == [200, 200, 200]


def test_the_use_of_the_old_secret_ends_nothing(owner: Membership) -> None:
    old, _ = rotated(owner, close_after_first_use_seconds=0)
    assert [status(one) for one in (old, old)] == [200, 200]
    assert TokenSecret.objects.filter(first_used_at=None).count() == 2


def test_only_the_first_use_changes_anything(owner: Membership) -> None:
    _, new = rotated(owner)
    status(new)
    first = TokenSecret.objects.get(first_used_at__isnull=False)
    generation = Organization.objects.get(pk=owner.organization_id).generation
    credential = authenticate_token(new.plaintext)
    assert isinstance(credential, Credential)
    assert not credential.awaits_first_use
    status(new)
    first_use.record(credential)
    assert TokenSecret.objects.get(first_used_at__isnull=False).first_used_at == first.first_used_at
    assert Organization.objects.get(pk=owner.organization_id).generation == generation


def test_a_rotation_without_a_delay_records_no_first_use(owner: Membership) -> None:
    issued = make_token(owner)
    status(rotate(token=issued.token, actor=actor(owner)))
    assert not TokenSecret.objects.filter(first_used_at__isnull=False).exists()


def test_a_refused_use_is_no_first_use(owner: Membership) -> None:
    _, new = rotated(owner)
    Organization.objects.update(suspended_at=NOON)
    assert status(new) == 401
    Organization.objects.update(suspended_at=None, allowed_addresses=["192.0.2.1"])
    assert status(new) == 403
    assert not TokenSecret.objects.filter(first_used_at__isnull=False).exists()


def test_a_first_use_that_cannot_be_recorded_is_answered_503(owner: Membership) -> None:
    # A limited plan would reserve requests in PostgreSQL.
    Organization.objects.update(plan=make_plan("unlimited", None))
    old, new = rotated(owner)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET TRANSACTION READ ONLY")
    assert (status(old), status(new)) == (200, 503)


def test_a_cancelled_secret_is_refused_and_ends_nothing(owner: Membership) -> None:
    old, new = rotated(owner, close_after_first_use_seconds=0)
    cancel(token=old.token, actor=actor(owner))
    assert authenticate_token(new.plaintext) is errors.TOKEN_REVOKED
    assert (status(new), status(old)) == (401, 200)
