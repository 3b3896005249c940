"""Tokens about to expire: mailed 14, 3 and 1 days ahead, once each, in one mail for an organization."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership, Notice, NoticeKind
from accounts.notifications import outbox
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tests.support.notices import round_at
from tests.support.people import actor, make_member, make_token
from tests.support.threads import at_once
from tokens.models import ServiceAccountToken
from tokens.notifications import dispatch
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SOON = timedelta(minutes=1)


@pytest.fixture
def made(owner: Membership) -> Issued:
    """A token of 90 days, of whose making everybody knows."""
    return quietly(make_token(owner, "deploy"))


def quietly(issued: Issued) -> Issued:
    Notice.objects.filter(kind=NoticeKind.TOKEN_CREATED).delete()
    return issued


def end_of(issued: Issued) -> datetime:
    assert issued.token.expires_at is not None
    return issued.token.expires_at


def days_told(issued: Issued, *days: float) -> list[bool]:
    """Whether a round so many days before the token's end tells anything."""
    return [bool(round_at(end_of(issued) - day * DAY)) for day in days]


def test_each_threshold_is_told_once(made: Issued) -> None:
    rounds = days_told(made, 15, 14.01, 14, 13.9, 8, 3.01, 3, 2.9, 1.5, 1, 0.5, 0.01, 0, -1)
    assert [n for n, results in enumerate(rounds) if results] == [2, 6, 9]
    assert list(Notice.objects.values_list("mark", flat=True).order_by("pk")) == ["14", "3", "1"]


def test_the_mail_names_the_token_and_never_its_secret(owner: Membership, made: Issued) -> None:
    assert round_at(end_of(made) - 3 * DAY) == [(owner.user.email, "API token expires in 3 days: deploy")]
    body = str(mail.outbox[-1].body)
    assert f"{made.plaintext[:7]}…{made.plaintext[-4:]}" in body
    assert "Last used: Never" in body
    assert f"/settings/tokens/{made.token.public_id}/" in body
    assert made.plaintext[7:-4] not in str(mail.outbox[-1].message())


def test_who_looks_late_tells_the_nearest_threshold_alone(made: Issued) -> None:
    assert days_told(made, 0.5, 0.4) == [True, False]
    assert Notice.objects.get().mark == "1"


@pytest.mark.parametrize(
    ("days", "expected"), [(1, []), (2, ["1"]), (3, ["1"]), (7, ["3", "1"]), (14, ["3", "1"])]
)
def test_a_token_of_a_shorter_life_is_not_told_of_thresholds_before_it(
    owner: Membership, days: int, expected: list[str]
) -> None:
    made = quietly(make_token(owner, expires_in_days=days))
    moment = made.token.created_at + SOON
    while moment < end_of(made):
        round_at(moment)
        moment += DAY / 4
    assert list(Notice.objects.order_by("pk").values_list("mark", flat=True)) == expected


def test_all_of_an_organization_stand_in_one_mail_the_first_to_end_first(owner: Membership) -> None:
    tokens = [make_token(owner, f"token-{days}", expires_in_days=days) for days in (30, 29, 28)]
    quietly(tokens[0])
    now = end_of(tokens[2]) - 2 * DAY
    assert [subject for _, subject in round_at(now)] == [
        f"3 API tokens of {owner.organization.name.replace('.', '.⁠')} expire soon"
    ]
    body = str(mail.outbox[-1].body)
    assert body.index("token-28") < body.index("token-29") < body.index("token-30")
    assert round_at(now + SOON) == []


def test_whoever_may_manage_tokens_is_told_and_nobody_else(owner: Membership, made: Issued) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    trusted = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage"])
    make_member(owner.organization, Role.MEMBER)
    make_member(owner.organization, Role.VIEWER)
    away = make_member(owner.organization, Role.ADMIN)
    away.user.is_active = False
    away.user.save()
    make_member()
    results = {receiver for receiver, _ in round_at(end_of(made) - DAY)}
    assert results == {one.user.email for one in (owner, admin, trusted)}
    assert all(len(one.to) == 1 and not one.cc and not one.bcc for one in mail.outbox)


@pytest.mark.parametrize("end", ["revoked", "suspended", "responsible gone", "no expiry"])
def test_a_token_that_does_not_run_is_not_told(owner: Membership, end: str) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    made = quietly(make_token(admin, expires_in_days=None if end == "no expiry" else 30))
    now = (made.token.expires_at or timezone.now() + 30 * DAY) - DAY
    if end == "revoked":
        revoke(token=made.token, actor=actor(owner))
    elif end == "suspended":
        update.suspend(organization=owner.organization, actor=SYSTEM)
    elif end == "responsible gone":
        ServiceAccountToken.objects.update(responsible=None)
    assert round_at(now) == []


def test_one_revoked_after_it_was_found_is_left_out(owner: Membership, made: Issued) -> None:
    now = end_of(made) - DAY
    dispatch.find(now)
    revoke(token=made.token, actor=actor(owner))
    dispatch.enqueue(now)
    assert outbox.deliver(now=now) == 0
    assert not mail.outbox
    assert not Notice.objects.filter(sent_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_of_four_housekeepings_at_once_one_tells() -> None:
    for _ in range(5):
        owner = make_member()
        made = quietly(make_token(owner))
        before = len(mail.outbox)
        now = end_of(made) - DAY
        results = at_once([lambda now=now: round_at(now)] * 4)
        assert not [one for one in results if isinstance(one, Exception)], results
        assert [one.to for one in mail.outbox[before:]] == [[owner.user.email]]
