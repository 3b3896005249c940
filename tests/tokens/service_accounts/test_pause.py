"""A pause refuses every request at once, and ends by a resumption or by its ``until``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership
from accounts.models.organization import OrganizationQuerySet
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from accounts.validation.text import name_key
from tests.support.people import actor, make_member, make_token
from tests.support.team import changes, trail
from tokens.credentials.credential import Credential
from tokens.credentials.token_lookup import authenticate_token, read_token
from tokens.models import ServiceAccountToken, Status
from tokens.service_accounts import names
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.pause import pause, resume, resume_due
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def ci(owner: Membership) -> Issued:
    return make_token(owner, "ci", now=NOON - DAY)


def answer(issued: Issued, now: datetime) -> str:
    found = authenticate_token(issued.plaintext, now)
    return "accepted" if isinstance(found, Credential) else found.code


def stored(issued: Issued) -> ServiceAccountToken:
    return ServiceAccountToken.objects.all().with_people().get(pk=issued.token.pk)


def test_a_pause_without_an_end_lasts_until_the_resumption(owner: Membership, ci: Issued) -> None:
    paused = pause(token=ci.token, actor=actor(owner), reason="Is it needed?", now=NOON)
    assert (paused.paused_at, paused.paused_until, paused.paused_reason) == (NOON, None, "Is it needed?")
    assert paused.status(NOON) is Status.PAUSED
    assert answer(ci, NOON + 50 * DAY) == "token_paused"
    resumed = resume(token=ci.token, actor=actor(owner), now=NOON + 50 * DAY)
    assert resumed.resumed_at == NOON + 50 * DAY
    assert resumed.status(NOON + 50 * DAY) is Status.ACTIVE
    assert answer(ci, NOON + 50 * DAY) == "accepted"
    assert trail(owner.organization)[-2:] == [("token.paused", "user", "ci"), ("token.resumed", "user", "ci")]
    assert changes(owner.organization, "token.paused") == [{"pausedReason": [None, "Is it needed?"]}]


def test_a_pause_is_over_at_its_until_in_the_look_up(owner: Membership, ci: Issued) -> None:
    pause(token=ci.token, actor=actor(owner), until=NOON + HOUR, now=NOON)
    refused = read_token(ci.plaintext, NOON)
    assert getattr(refused, "extra", None) == {"paused_until": "2026-11-28T13:00:00.000Z"}
    assert answer(ci, NOON + HOUR - timedelta(microseconds=1)) == "token_paused"
    assert answer(ci, NOON + HOUR) == "accepted"
    assert stored(ci).status(NOON + HOUR) is Status.ACTIVE


@pytest.mark.parametrize("until", [NOON - HOUR, NOON, NOON + 365 * DAY + timedelta(microseconds=1)])
def test_an_end_in_the_past_or_more_than_365_days_ahead_is_refused(
    owner: Membership, ci: Issued, until: datetime
) -> None:
    with pytest.raises(APIError) as refused:
        pause(token=ci.token, actor=actor(owner), until=until, now=NOON)
    assert refused.value.extra["fields"].keys() == {"until"}
    assert stored(ci).paused_at is None
    pause(token=ci.token, actor=actor(owner), until=NOON + 365 * DAY, now=NOON)


def test_pausing_a_paused_token_changes_end_and_reason_in_one_event(owner: Membership, ci: Issued) -> None:
    pause(token=ci.token, actor=actor(owner), until=NOON + HOUR, reason="First", now=NOON)
    for _ in range(2):
        pause(token=ci.token, actor=actor(owner), reason="Second", now=NOON + HOUR / 2)
    token = stored(ci)
    assert (token.paused_at, token.paused_until, token.paused_reason) == (NOON, None, "Second")
    assert changes(owner.organization, "token.paused")[1:] == [
        {"pausedUntil": ["2026-11-28T13:00:00.000Z", None], "pausedReason": ["First", "Second"]}
    ]


def test_a_repeated_call_changes_nothing_and_confirms(
    owner: Membership, ci: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[UUID] = []
    monkeypatch.setattr(OrganizationQuerySet, "confirm", lambda _, pks: confirmed.extend(pks))
    for call in (pause, resume):
        change = partial(call, token=ci.token, actor=actor(owner), now=NOON)
        change()
        before = ServiceAccountToken.objects.values().get(), trail(owner.organization)
        assert confirmed == []
        change()
        assert (ServiceAccountToken.objects.values().get(), trail(owner.organization)) == before
        assert confirmed.pop() == owner.organization_id


def test_a_token_that_is_not_paused_is_resumed_without_an_event(owner: Membership, ci: Issued) -> None:
    resume(token=ci.token, actor=actor(owner), now=NOON)
    assert stored(ci).resumed_at is None
    assert trail(owner.organization) == [("token.created", "user", "ci")]


def end_by_revocation(owner: Membership, ci: Issued) -> None:
    revoke(token=ci.token, actor=actor(owner))


def end_by_expiry(owner: Membership, ci: Issued) -> None:
    ServiceAccountToken.objects.update(expires_at=NOON)


def end_by_removal(owner: Membership, ci: Issued) -> None:
    ServiceAccountToken.objects.update(responsible_id=make_member().pk)


@pytest.mark.parametrize("end", [end_by_revocation, end_by_expiry, end_by_removal])
@pytest.mark.parametrize("call", [pause, resume])
def test_an_ended_token_is_neither_paused_nor_resumed(
    owner: Membership, ci: Issued, end: Callable[..., None], call: Callable[..., object]
) -> None:
    end(owner, ci)
    with pytest.raises(APIError) as refused:
        call(token=ci.token, actor=actor(owner), now=NOON)
    assert refused.value.error is errors.TOKEN_NOT_ACTIVE


def test_a_paused_token_counts_towards_the_limit_and_keeps_its_name(
    owner: Membership, ci: Issued, settings: Settings
) -> None:
    pause(token=ci.token, actor=actor(owner), now=NOON)
    assert names.by_key(owner.organization_id, NOON) == {name_key("ci"): ci.token.pk}
    settings.ACTIVE_TOKENS_PER_ORGANIZATION = 1
    with pytest.raises(APIError) as refused:
        make_token(owner, "other", now=NOON)
    assert refused.value.error is errors.TOKEN_LIMIT_REACHED


@pytest.mark.parametrize("call", [pause, resume])
def test_a_right_that_has_just_ended_pauses_and_resumes_nothing(
    owner: Membership, ci: Issued, call: Callable[..., object]
) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    acting = actor(admin)
    Membership.objects.filter(pk=admin.pk).update(role=Role.VIEWER)
    with pytest.raises(APIError) as refused:
        call(token=ci.token, actor=acting, now=NOON)
    assert refused.value.error is errors.INSUFFICIENT_SCOPE


def test_a_program_that_was_paused_meanwhile_changes_nothing(owner: Membership) -> None:
    """Its request was accepted before the pause, and reaches the organization's lock after it."""
    program = make_token(owner, "program", ["*:*:*"])
    acting = authenticate_token(program.plaintext)
    assert isinstance(acting, Credential)
    pause(token=program.token, actor=actor(owner))
    with pytest.raises(APIError) as refused:
        resume(token=program.token, actor=acting)
    assert refused.value.error is errors.TOKEN_PAUSED
    assert refused.value.extra == {"paused_until": None}


def test_housekeeping_records_once_that_a_pause_is_over(
    owner: Membership, ci: Issued, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pause(token=ci.token, actor=actor(owner), until=NOON + HOUR, now=NOON)
    assert resume_due(NOON + HOUR - timedelta(seconds=1)) == 0
    assert resume_due(NOON + HOUR) == 1
    # 1: the organizations in which a pause is over
    with django_assert_num_queries(1):
        assert resume_due(NOON + 2 * HOUR) == 0
    assert stored(ci).resumed_at == NOON + HOUR
    assert trail(owner.organization)[-1] == ("token.resumed", SYSTEM.type, "ci")


def test_housekeeping_resumes_no_token_that_ended_while_it_was_paused(owner: Membership, ci: Issued) -> None:
    pause(token=ci.token, actor=actor(owner), until=NOON + HOUR, now=NOON)
    revoke(token=ci.token, actor=actor(owner))
    assert resume_due(NOON + 2 * HOUR) == 0
    assert stored(ci).resumed_at is None


def test_a_second_pause_records_the_end_of_the_first(owner: Membership, ci: Issued) -> None:
    for start in (NOON, NOON + 2 * HOUR):
        pause(token=ci.token, actor=actor(owner), until=start + HOUR, now=start)
    token = stored(ci)
    assert (token.paused_at, token.resumed_at) == (NOON + 2 * HOUR, None)
    assert answer(ci, NOON + 2 * HOUR) == "token_paused"
    assert trail(owner.organization)[-3:] == [
        ("token.paused", "user", "ci"),
        ("token.resumed", SYSTEM.type, "ci"),
        ("token.paused", "user", "ci"),
    ]
