"""Revoking: at once, for good, with who, when and why, and the same under any crowd."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from accounts.permissions.actor import SYSTEM, Actor
from tests.support.people import actor, make_member, make_token
from tests.support.threads import at_once
from tokens.credentials import token_lookup
from tokens.models import ServiceAccountToken, Status
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke, revoke_many, stop

ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))


def test_a_revoked_token_is_refused_at_once_and_says_who_when_and_why(owner: Membership) -> None:
    issued = make_token(owner)
    before = timezone.now()
    row = revoke(token=issued.token, actor=actor(owner), reason="Left in a log")
    assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED
    assert row.revoked_at is not None
    assert before <= row.revoked_at <= timezone.now()
    assert (row.revoked_by, row.revoked_reason) == (owner.user, "Left in a log")
    assert row.status(timezone.now()) is Status.REVOKED


def test_revoking_again_changes_nothing(owner: Membership) -> None:
    issued = make_token(owner)
    first = revoke(token=issued.token, actor=actor(owner), reason="first")
    other = make_member(owner.organization)
    again = revoke(token=issued.token, actor=actor(other), reason="second")
    assert (again.revoked_at, again.revoked_by, again.revoked_reason) == (
        first.revoked_at,
        owner.user,
        "first",
    )


def test_a_long_reason_is_cut_and_not_refused(owner: Membership) -> None:
    row = revoke(token=make_token(owner).token, actor=actor(owner), reason="x" * 500)
    assert row.revoked_reason == "x" * 200


def test_a_server_whose_clock_is_behind_can_revoke(owner: Membership) -> None:
    issued = make_token(owner, now=timezone.now() + timedelta(seconds=5))
    row = revoke(token=issued.token, actor=actor(owner))
    assert row.revoked_at == row.created_at


def test_an_expired_token_is_revoked_too(owner: Membership) -> None:
    issued = make_token(owner, expires_in_days=1, now=timezone.now() - timedelta(days=2))
    assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_EXPIRED
    revoke(token=issued.token, actor=SYSTEM)
    assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED


def test_a_token_that_went_with_its_organization_is_not_found(owner: Membership) -> None:
    issued = make_token(owner)
    owner.organization.delete()
    with pytest.raises(APIError) as refused:
        revoke(token=issued.token, actor=SYSTEM)
    assert refused.value.error is errors.NOT_FOUND


def test_many_are_revoked_over_organizations_and_only_those_running_count(owner: Membership) -> None:
    elsewhere = make_token(make_member())
    mine = [make_token(owner), make_token(owner)]
    revoke(token=mine[0].token, actor=actor(owner), reason="before")
    pks = [elsewhere.token.pk, *(issued.token.pk for issued in mine)]
    chosen = ServiceAccountToken.objects.filter(pk__in=pks)
    staff = Actor(type="staff", id=owner.user_id, name="Staff", user_id=owner.user_id)
    assert revoke_many(tokens=chosen, actor=staff, reason="all") == 2
    assert revoke_many(tokens=chosen, actor=staff, reason="again") == 0
    reasons = ServiceAccountToken.objects.order_by("revoked_reason").values_list("revoked_reason", flat=True)
    assert list(reasons) == ["all", "all", "before"]


def test_nothing_is_revoked_before_it_was_made_or_lives_past_a_year(owner: Membership) -> None:
    token = ServiceAccountToken.objects.filter(pk=make_token(owner).token.pk)
    for wrong in (
        {"revoked_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"expires_at": timezone.now() + timedelta(days=366)},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            token.update(**wrong)


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_revocations_agree_on_one_story() -> None:
    owner = make_member()
    people = [actor(make_member(owner.organization)) for _ in range(20)]
    issued = make_token(owner)
    tasks = [partial(revoke, token=issued.token, actor=one, reason=one.name) for one in people]
    results = at_once(tasks)
    rows = [row for row in results if isinstance(row, ServiceAccountToken)]
    assert len(rows) == 20, results
    assert len({(row.revoked_at, row.revoked_by_id, row.revoked_reason) for row in rows}) == 1


@pytest.mark.django_db(transaction=True)
def test_bulk_revocations_in_opposite_orders_never_deadlock() -> None:
    for _ in range(ROUNDS):
        made = [make_token(make_member()).token.pk for _ in range(6)]
        tokens = ServiceAccountToken.objects.filter(pk__in=made)
        tasks = [
            partial(revoke_many, tokens=tokens.order_by(order), actor=SYSTEM)
            for order in ("organization", "-organization") * 3
        ]
        counts = at_once(tasks)
        assert sorted(map(str, counts)) == ["0", "0", "0", "0", "0", "6"]


@pytest.mark.django_db(transaction=True)
def test_a_revoked_token_stays_revoked_through_a_rollback_of_another() -> None:
    owner = make_member()
    issued: Issued = make_token(owner)
    with transaction.atomic():
        stop(ServiceAccountToken.objects.filter(pk=issued.token.pk), actor=SYSTEM, reason="x")
        transaction.set_rollback(True)
    assert not isinstance(token_lookup.authenticate_token(issued.plaintext), errors.ErrorCode)
    revoke(token=issued.token, actor=SYSTEM)
    assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED
