"""Rotation of a token: the overlap of two secrets, its end, its expiry and its cancellation."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts import errors
from accounts.audit.models import AuditEvent
from accounts.errors import APIError
from accounts.models import Membership, Notice
from accounts.models.notice import NoticeKind
from accounts.organizations.update import change
from tests.support.people import actor, make_token
from tests.tokens.service_accounts.rotating import itself, refusal, works
from tokens.credentials.token_lookup import authenticate_token
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts.issue import issue
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import cancel, finish, rotate, running

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MOMENT = timedelta(microseconds=1)
EVERYTHING = ("*:*:*",)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def last_event(token: ServiceAccountToken) -> AuditEvent:
    return AuditEvent.objects.filter(organization_id=token.organization_id).latest("sequence")


def test_both_secrets_work_until_the_overlap_ends(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    rotated = rotate(token=issued.token, actor=actor(owner), now=now)
    for secret in (issued.plaintext, rotated.plaintext):
        assert works(secret, now + DAY - MOMENT)
    assert authenticate_token(issued.plaintext, now + DAY) is errors.TOKEN_ROTATED
    assert works(rotated.plaintext, now + DAY)


def test_a_rotation_changes_the_secret_and_nothing_else(owner: Membership, now: datetime) -> None:
    issued = make_token(owner, "ci", expires_in_days=30)
    rotated = rotate(token=issued.token, actor=actor(owner), now=now).token
    fields = [field.attname for field in ServiceAccountToken._meta.concrete_fields]
    before, after = ({name: getattr(one, name) for name in fields} for one in (issued.token, rotated))
    assert before == after


def test_a_running_rotation_names_both_secrets_and_its_end(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    assert running(issued.token, now) is None
    how = {"overlap_seconds": 60, "close_after_first_use_seconds": 5}
    rotated = rotate(token=issued.token, actor=actor(owner), now=now, **how)
    found = running(rotated.token, now)
    assert found is not None
    assert (found.started_at, found.ends_at) == (now, now + timedelta(seconds=60))
    assert found.closes_after_first_use_seconds == 5
    assert issued.plaintext.endswith(found.previous.last_four)
    assert rotated.plaintext.endswith(found.current.last_four)
    assert running(rotated.token, now + timedelta(seconds=60)) is None


def test_without_an_overlap_the_old_secret_ends_at_once(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    rotated = rotate(token=issued.token, actor=actor(owner), overlap_seconds=0, now=now)
    assert authenticate_token(issued.plaintext, now) is errors.TOKEN_ROTATED
    assert running(rotated.token, now) is None
    again = rotate(token=issued.token, actor=actor(owner), overlap_seconds=0, now=now)
    assert authenticate_token(rotated.plaintext, now) is errors.TOKEN_ROTATED
    assert works(again.plaintext, now)


def test_a_second_rotation_waits_for_the_first_ones_end(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    rotate(token=issued.token, actor=actor(owner), now=now)
    arguments = {"token": issued.token, "actor": actor(owner)}
    assert refusal(rotate, **arguments, now=now + DAY - MOMENT) is errors.ROTATION_IN_PROGRESS
    rotate(**arguments, now=now + DAY)


@pytest.mark.parametrize("seconds", [-1, 604_801])
def test_an_overlap_lasts_a_week_at_most(owner: Membership, seconds: int) -> None:
    with pytest.raises(APIError) as refused:
        rotate(
            token=make_token(owner).token,
            actor=actor(owner),
            overlap_seconds=seconds,
            close_after_first_use_seconds=seconds,
            expires_in_days=0,
        )
    sentence = "An overlap is 0 to 604800 seconds."
    assert refused.value.extra == {
        "fields": {
            "overlapSeconds": [sentence],
            "closeAfterFirstUseSeconds": [sentence],
            "expiresInDays": ["A token may be valid for 1 to 365 days."],
        }
    }


def test_finishing_ends_the_old_secret_now(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    rotated = rotate(token=issued.token, actor=actor(owner), now=now)
    finished = finish(token=issued.token, actor=actor(owner), now=now + MOMENT)
    assert running(finished, now + MOMENT) is None
    assert authenticate_token(issued.plaintext, now + MOMENT) is errors.TOKEN_ROTATED
    assert works(rotated.plaintext, now + MOMENT)
    assert last_event(issued.token).action == "token.rotation_finished"


def test_finishing_without_a_rotation_changes_nothing(owner: Membership) -> None:
    issued = make_token(owner)
    finish(token=issued.token, actor=actor(owner))
    assert works(issued.plaintext)
    assert last_event(issued.token).action == "token.created"


def test_cancelling_revokes_the_new_secret_and_keeps_the_old_one(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    rotated = rotate(token=issued.token, actor=actor(owner), now=now)
    kept = cancel(token=issued.token, actor=actor(owner), now=now)
    assert works(issued.plaintext, now + 2 * DAY)
    assert authenticate_token(rotated.plaintext, now) is errors.TOKEN_REVOKED
    assert issued.plaintext.endswith(kept.current_secret.last_four)
    assert running(kept, now) is None
    assert last_event(issued.token).changes == {"revoked": rotated.plaintext[-4:]}
    assert refusal(cancel, token=kept, actor=actor(owner), now=now) is errors.NO_ROTATION
    again = rotate(token=issued.token, actor=actor(owner), now=now)
    assert works(again.plaintext, now)


def test_a_rotation_that_has_ended_cannot_be_cancelled(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    rotate(token=issued.token, actor=actor(owner), now=now)
    arguments = {"token": issued.token, "actor": actor(owner)}
    assert refusal(cancel, **arguments, now=now + DAY) is errors.NO_ROTATION
    rotate(**arguments, now=now + DAY)
    revoke(**arguments)
    assert refusal(cancel, **arguments, now=now + DAY) is errors.NO_ROTATION


def test_a_new_expiry_is_counted_from_the_rotation(owner: Membership, now: datetime) -> None:
    made = now - 300 * DAY
    issued = make_token(owner, expires_in_days=365, now=made)
    kept = rotate(token=issued.token, actor=actor(owner), overlap_seconds=0, now=now).token
    assert (kept.expires_at, kept.renewed_at) == (made + 365 * DAY, None)
    renewed = rotate(token=kept, actor=actor(owner), expires_in_days=365, overlap_seconds=0, now=now).token
    assert (renewed.expires_at, renewed.renewed_at) == (now + 365 * DAY, now)
    endless = rotate(token=kept, actor=actor(owner), expires_in_days=None, now=now).token
    assert endless.expires_at is None


def test_a_new_expiry_keeps_the_organizations_policy(owner: Membership) -> None:
    issued = make_token(owner, expires_in_days=None)
    change(actor=actor(owner), longest_token_days=30)
    for days in (None, 31):
        arguments = {"token": issued.token, "actor": actor(owner), "expires_in_days": days}
        assert refusal(rotate, **arguments) is errors.INVALID_REQUEST
    # Left out, the expiry stays, even one that the policy would not allow today.
    assert rotate(token=issued.token, actor=actor(owner)).token.expires_at is None


def test_a_new_expiry_is_announced_again(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    fields = {"organization": owner.organization, "kind": NoticeKind.TOKEN_EXPIRING, "mark": "14"}
    Notice.objects.create(subject=issued.token.pk, **fields)
    rotate(token=issued.token, actor=actor(owner), overlap_seconds=0)
    assert Notice.objects.filter(**fields).exists()
    rotate(token=issued.token, actor=actor(owner), expires_in_days=90)
    assert not Notice.objects.filter(**fields).exists()


def test_a_created_token_is_renewed_up_to_the_end_of_its_creator(owner: Membership, now: datetime) -> None:
    parent = make_token(owner, permissions=EVERYTHING, expires_in_days=30, now=now)
    child = make_token(owner, expires_in_days=10, now=now)
    ServiceAccountToken.objects.filter(pk=child.token.pk).update(parent=parent.token)
    renewed = rotate(token=child.token, actor=actor(owner), expires_in_days=60, now=now).token
    assert renewed.expires_at == parent.token.expires_at


def test_what_a_token_created_ends_with_its_new_expiry(owner: Membership, now: datetime) -> None:
    parent = make_token(owner, permissions=EVERYTHING, expires_in_days=30, now=now)
    child = issue(actor=itself(parent), name="child", permissions=["index:read:*"], expires_in_days=20)
    renewed = rotate(token=parent.token, actor=actor(owner), expires_in_days=10, now=now).token
    child.token.refresh_from_db()
    assert child.token.expires_at == renewed.expires_at


def test_a_program_renews_another_token_up_to_its_own_end(owner: Membership, now: datetime) -> None:
    program = make_token(owner, permissions=EVERYTHING, expires_in_days=30, now=now)
    issued = make_token(owner, expires_in_days=10, now=now)
    renewed = rotate(token=issued.token, actor=itself(program), expires_in_days=60, now=now).token
    assert renewed.expires_at == program.token.expires_at


def test_a_known_secret_is_marked_until_its_overlap_ends(owner: Membership, now: datetime) -> None:
    issued = make_token(owner)
    TokenSecret.objects.update(known_to="Ada", known_since=now)
    token = rotate(token=issued.token, actor=actor(owner), overlap_seconds=60, now=now).token
    known = [token.known_secret(now + age) for age in (MINUTE - MOMENT, MINUTE)]
    assert [one and one.known_to for one in known] == ["Ada", None]
    # The old secret is the current one again.
    assert cancel(token=issued.token, actor=actor(owner), now=now).known_secret(now + MINUTE) is not None


def test_each_secret_is_counted_from_the_first_rotation(owner: Membership) -> None:
    issued = make_token(owner)
    assert not TokenSecret.objects.get().is_counted
    rotate(token=issued.token, actor=actor(owner))
    assert set(TokenSecret.objects.values_list("is_counted", flat=True)) == {True}


def test_the_audit_event_has_the_end_the_new_expiry_and_the_last_four_of_both(
    owner: Membership, now: datetime
) -> None:
    issued = make_token(owner, expires_in_days=None)
    rotated = rotate(token=issued.token, actor=actor(owner), expires_in_days=1, now=now)
    changes = last_event(issued.token).changes
    assert changes["lastFour"] == [issued.plaintext[-4:], rotated.plaintext[-4:]]
    assert changes["overlapEnds"] == changes["expiresAt"][1]
    assert changes["expiresAt"][0] is None
    assert rotated.plaintext not in str(changes)


def test_each_flow_invalidates_what_workers_remember(owner: Membership) -> None:
    issued = make_token(owner)
    arguments = {"token": issued.token, "actor": actor(owner)}
    generations = []
    for flow in (rotate, cancel, rotate, finish):
        flow(**arguments)
        owner.organization.refresh_from_db()
        generations.append(owner.organization.generation)
    assert generations == [generations[0] + step for step in range(4)]
