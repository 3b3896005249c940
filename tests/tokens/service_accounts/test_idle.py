"""Unused tokens: announced 7 days ahead, and revoked at the due time unless they were used meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Notice, Organization
from accounts.notifications import outbox
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from ratelimit.models import DailyUsage
from ratelimit.store.client import StoreUnavailable
from tests.support.clients import program
from tests.support.people import actor, make_member
from tests.tokens.service_accounts.unused import (
    ANNOUNCED,
    DAY,
    DAYS,
    DUE,
    SECOND,
    START,
    housekeeping_at,
    made_at,
    used_at,
)
from tokens.models import ServiceAccountToken
from tokens.notifications import dispatch, token_unused
from tokens.service_accounts import pause, rotation
from tokens.service_accounts.idle import revoke_unused
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.records import records
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db: None) -> Membership:
    member = make_member()
    Organization.objects.update(unused_tokens_revoked_after_days=DAYS)
    member.organization.refresh_from_db()
    return member


@pytest.fixture
def made(owner: Membership) -> Issued:
    return made_at(START, owner)


def is_revoked() -> bool:
    return ServiceAccountToken.objects.get().revoked_at is not None


def test_it_is_announced_seven_days_ahead_and_revoked_at_the_due_time(
    owner: Membership, made: Issued
) -> None:
    assert housekeeping_at(ANNOUNCED - SECOND) == []
    [(receiver, subject)] = housekeeping_at(ANNOUNCED)
    assert (receiver, subject) == (
        owner.user.email,
        f"Unused API token will be revoked on {DUE.day} {DUE:%b %Y}: batch",
    )
    for moment in (ANNOUNCED + SECOND, DUE - SECOND):
        assert housekeeping_at(moment) == []
        assert not is_revoked()
    assert housekeeping_at(DUE) == []
    token = ServiceAccountToken.objects.get()
    assert (token.revoked_at, token.revoked_reason) == (DUE, "Unused for 60 days")
    [event] = AuditEvent.objects.filter(action="token.revoked")
    assert (event.actor_type, event.changes) == ("system", {"reason": "Unused for 60 days"})
    assert program(made).get("/api/v1/identity").status_code == 401


def test_the_mail_names_the_last_use_and_never_the_secret(owner: Membership, made: Issued) -> None:
    used_at(START + DAY, made)
    housekeeping_at(ANNOUNCED + DAY)
    body = str(mail.outbox[-1].body)
    assert "Last used: 2 March 2026, 12:00:00 UTC" in body
    assert f"Will be revoked: {(DUE + DAY).day}" in body
    assert f"{made.plaintext[:7]}…{made.plaintext[-4:]}" in body
    assert made.plaintext[7:-4] not in str(mail.outbox[-1].message())


@pytest.mark.parametrize("after", [SECOND, 7 * DAY - SECOND])
def test_a_use_after_the_announcement_keeps_it_and_starts_the_days_again(
    made: Issued, after: timedelta
) -> None:
    housekeeping_at(ANNOUNCED)
    used_at(ANNOUNCED + after, made)
    for moment in (DUE, DUE + DAY, ANNOUNCED + after + 53 * DAY - SECOND):
        assert housekeeping_at(moment) == []
        assert not is_revoked()
    assert len(housekeeping_at(ANNOUNCED + after + 53 * DAY)) == 1


def test_a_use_that_only_redis_has_counts_at_once(owner: Membership) -> None:
    # Redis counts on its own clock, so that this test takes the real time as its end.
    due = timezone.now()
    made = made_at(due - DAYS * DAY, owner)
    housekeeping_at(due - 7 * DAY)
    assert program(made).get("/api/v1/identity").status_code == 200
    assert not DailyUsage.objects.exists()
    assert revoke_unused(due + SECOND) == 0
    assert not is_revoked()


def test_nothing_is_revoked_while_redis_cannot_tell_the_last_uses(
    made: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise StoreUnavailable

    housekeeping_at(ANNOUNCED)
    with monkeypatch.context() as broken:
        broken.setattr("ratelimit.store.client.pipeline", down)
        with pytest.raises(StoreUnavailable):
            revoke_unused(DUE)
    assert not is_revoked()
    assert revoke_unused(DUE) == 1


def test_a_policy_that_begins_today_announces_first(owner: Membership) -> None:
    Organization.objects.update(unused_tokens_revoked_after_days=None)
    made_at(START, owner)
    late = START + 300 * DAY
    assert housekeeping_at(late) == []
    with time_machine.travel(late, tick=False):
        update.change(actor=actor(owner), unused_tokens_revoked_after_days=30)
    assert len(housekeeping_at(late)) == 1
    housekeeping_at(late + 7 * DAY - SECOND)
    assert not is_revoked()
    housekeeping_at(late + 7 * DAY)
    assert is_revoked()


def _changed(owner: Membership, days: int | None) -> None:
    update.change(actor=actor(owner), unused_tokens_revoked_after_days=days)


def _suspended(owner: Membership) -> None:
    update.suspend(organization=owner.organization, actor=SYSTEM)
    update.resume(organization=owner.organization, actor=SYSTEM)


def _switched(owner: Membership) -> None:
    _changed(owner, None)
    _changed(owner, DAYS)


@pytest.mark.parametrize("what", [_switched, _suspended, lambda owner: _changed(owner, DAYS - 1)])
def test_a_change_of_the_policy_and_a_suspension_make_announcements_void(
    owner: Membership, made: Issued, what: Callable[[Membership], None]
) -> None:
    housekeeping_at(ANNOUNCED)
    with time_machine.travel(DUE - DAY, tick=False):
        what(owner)
    assert len(housekeeping_at(DUE)) == 1
    assert not is_revoked()
    housekeeping_at(DUE + 7 * DAY)
    assert is_revoked()


@pytest.mark.parametrize("state", ["policy off", "suspended", "revoked"])
def test_what_must_not_be_revoked_any_more_is_left_alone(owner: Membership, made: Issued, state: str) -> None:
    housekeeping_at(ANNOUNCED)
    # Past the flows, so that the announcement stays.
    if state == "policy off":
        Organization.objects.update(unused_tokens_revoked_after_days=None)
    elif state == "suspended":
        Organization.objects.update(suspended_at=ANNOUNCED)
    else:
        revoke(token=made.token, actor=actor(owner), reason="unneeded")
    before = AuditEvent.objects.count()
    assert revoke_unused(DUE) == 0
    assert AuditEvent.objects.count() == before


def test_a_paused_token_is_not_revoked_and_counts_its_days_from_the_end_of_the_pause(
    owner: Membership, made: Issued
) -> None:
    housekeeping_at(ANNOUNCED)
    with time_machine.travel(DUE - DAY, tick=False):
        pause.pause(token=made.token, actor=actor(owner))
    assert housekeeping_at(DUE) == housekeeping_at(DUE + 100 * DAY) == []
    with time_machine.travel(DUE + 100 * DAY, tick=False):
        pause.resume(token=made.token, actor=actor(owner))
    assert housekeeping_at(DUE + 153 * DAY - SECOND) == []
    assert len(housekeeping_at(DUE + 153 * DAY)) == 1
    housekeeping_at(DUE + 160 * DAY)
    assert is_revoked()


def test_a_pause_that_ended_by_itself_counts_as_well(owner: Membership, made: Issued) -> None:
    ServiceAccountToken.objects.update(paused_at=START, paused_until=START + 10 * DAY)
    assert housekeeping_at(ANNOUNCED + 10 * DAY - SECOND) == []
    assert len(housekeeping_at(ANNOUNCED + 10 * DAY)) == 1


def test_a_rotation_starts_the_days_again(owner: Membership, made: Issued) -> None:
    housekeeping_at(ANNOUNCED)
    with time_machine.travel(DUE - DAY, tick=False):
        rotation.rotate(token=made.token, actor=actor(owner))
    housekeeping_at(DUE)
    assert not is_revoked()


def test_an_announcement_whose_mail_came_late_revokes_nothing(owner: Membership, made: Issued) -> None:
    token_unused.find(ANNOUNCED)
    dispatch.enqueue(ANNOUNCED + 2 * DAY)
    outbox.deliver(now=ANNOUNCED + 2 * DAY)
    assert revoke_unused(DUE) == revoke_unused(DUE + DAY - SECOND) == 0
    # A new one is due a day later, because the old one is not valid any more.
    assert len(housekeeping_at(DUE + DAY)) == 1
    assert revoke_unused(DUE + 8 * DAY) == 1


def test_a_late_mail_about_one_token_does_not_wait_for_another(owner: Membership, made: Issued) -> None:
    late = made_at(START, owner, name="late")
    housekeeping_at(ANNOUNCED)
    Notice.objects.filter(subject=late.token.pk).update(sent_at=ANNOUNCED + SECOND)
    assert revoke_unused(DUE) == 1
    assert list(ServiceAccountToken.objects.filter(revoked_at=None)) == [late.token]
    assert revoke_unused(DUE + SECOND) == 1


def test_after_a_long_standstill_it_is_announced_again(owner: Membership, made: Issued) -> None:
    housekeeping_at(ANNOUNCED)
    assert len(housekeeping_at(DUE + DAY)) == 1
    assert not is_revoked()


def test_the_record_tells_the_time_from_the_announcement_on(owner: Membership, made: Issued) -> None:
    def sent(now: datetime) -> datetime | None:
        tokens = ServiceAccountToken.objects.all().with_people()
        [record] = records(owner.organization_id, tokens, now)
        return record.unused_revocation_at

    assert sent(ANNOUNCED) is None
    housekeeping_at(ANNOUNCED)
    assert sent(ANNOUNCED + SECOND) == DUE
    used_at(ANNOUNCED + SECOND, made)
    assert sent(ANNOUNCED + 2 * SECOND) is None
