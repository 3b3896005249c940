"""The same Idempotency-Key makes no second token, for a day and within its organization."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership
from tests.support.people import actor, make_member, make_token
from tests.support.threads import at_once
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import AlreadyCreated, Issued
from tokens.service_accounts.revoke import revoke

KEY = "0190b0a8-5e8e-7000-8000-000000000000"


def test_a_repeat_is_told_of_the_first_token(owner: Membership) -> None:
    first = make_token(owner, "ci", idempotency_key=KEY)
    with pytest.raises(AlreadyCreated) as repeat:
        make_token(owner, "ci", idempotency_key=KEY)
    assert repeat.value.token == first.token
    assert ServiceAccountToken.objects.count() == 1


def test_a_repeat_after_the_token_was_revoked_makes_none(owner: Membership) -> None:
    first = make_token(owner, idempotency_key=KEY)
    revoke(token=first.token, actor=actor(owner))
    with pytest.raises(AlreadyCreated):
        make_token(owner, idempotency_key=KEY)


def test_a_key_belongs_to_its_organization(owner: Membership) -> None:
    make_token(owner, idempotency_key=KEY)
    make_token(make_member(), idempotency_key=KEY)
    assert ServiceAccountToken.objects.count() == 2


def test_a_key_is_forgotten_after_a_day(owner: Membership) -> None:
    make_token(owner, idempotency_key=KEY, now=timezone.now() - timedelta(hours=24))
    make_token(owner, idempotency_key=KEY)
    assert ServiceAccountToken.objects.count() == 2


def test_no_key_is_no_repeat(owner: Membership) -> None:
    make_token(owner)
    make_token(owner)
    assert ServiceAccountToken.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_ten_parallel_repeats_make_one_token() -> None:
    owner = make_member()
    results = at_once([lambda: make_token(owner, idempotency_key=KEY)] * 10)
    made = [result for result in results if isinstance(result, Issued)]
    assert len(made) == 1
    assert all(isinstance(result, AlreadyCreated | Issued) for result in results), results
    assert ServiceAccountToken.objects.count() == 1
