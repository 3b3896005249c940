"""Announcements of unused tokens: who gets them, and in how many emails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail

from accounts.models import Membership, Notice, Organization
from accounts.notifications import outbox
from accounts.permissions.roles import Role
from tests.support.notices import told_since
from tests.support.people import make_member, make_organization, make_token
from tests.support.threads import at_once
from tokens.models import ServiceAccountToken
from tokens.notifications import dispatch, token_unused

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = START + 53 * DAY
SUBJECT = "Unused API token will be revoked on 30 Apr 2026: {}"


@pytest.fixture
def owner(db: None) -> Membership:
    return make_member(make_organization("Acme", unused_tokens_revoked_after_days=60))


def add(member: Membership, name: str) -> None:
    with time_machine.travel(START, tick=False):
        make_token(member, name, expires_in_days=None)
    Notice.objects.all().delete()


def sent(now: datetime = NOW) -> list[tuple[str, str]]:
    before = len(mail.outbox)
    token_unused.find(now)
    dispatch.enqueue(now)
    outbox.deliver(now=now)
    return told_since(before)


def test_owners_admins_and_the_responsible_member_get_it(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    trusted = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage", "index:read:*"])
    make_member(owner.organization, Role.MEMBER)
    add(trusted, "deploy")
    receivers = (owner, admin, trusted)
    assert sent() == sorted((one.user.email, SUBJECT.format("deploy")) for one in receivers)
    assert sent(NOW + DAY) == []


def test_several_tokens_are_in_one_mail_and_a_member_reads_of_their_own_only(owner: Membership) -> None:
    trusted = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage", "index:read:*"])
    add(owner, "first")
    add(trusted, "second")
    assert sent() == sorted(
        [
            (owner.user.email, "2 unused API tokens of Acme will be revoked"),
            (trusted.user.email, SUBJECT.format("second")),
        ]
    )
    of_owner = next(str(one.body) for one in mail.outbox if one.to == [owner.user.email])
    assert "Acme revokes API tokens that were not used for 60 days." in of_owner
    assert of_owner.count("never used, will be revoked on 30 Apr 2026") == 2


def test_a_token_that_ended_after_it_was_found_is_left_out(owner: Membership) -> None:
    add(owner, "deploy")
    token_unused.find(NOW)
    ServiceAccountToken.objects.update(revoked_at=NOW)
    assert sent() == []


@pytest.mark.parametrize("state", [{"suspended_at": START}, {"deleted_at": START}])
def test_an_organization_that_does_not_run_gets_none(owner: Membership, state: dict[str, datetime]) -> None:
    add(owner, "deploy")
    Organization.objects.update(**state)
    assert sent() == []


@pytest.mark.django_db(transaction=True)
def test_of_four_housekeepings_at_once_one_announces() -> None:
    owner = make_member(make_organization("Acme", unused_tokens_revoked_after_days=60))
    add(owner, "deploy")
    assert not [one for one in at_once([sent] * 4) if isinstance(one, Exception)]
    assert [one.to for one in mail.outbox] == [[owner.user.email]]
