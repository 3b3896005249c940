"""Use of a superseded secret after its overlap: one event and one mail per token and day, never an effect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import errors
from accounts.audit.models import AuditEvent
from accounts.models import Membership, Notice
from accounts.notifications import outbox
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.notices import told_since
from tests.support.people import actor, make_member, make_organization, make_token
from tests.support.threads import at_once
from tokens.credentials import superseded_use
from tokens.credentials.credential import RefusedSecret
from tokens.credentials.superseded_use import Reported
from tokens.credentials.token_lookup import cause_of_secret
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.notifications.dispatch import enqueue
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.rotation import rotate

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WHOAMI = "/api/auth/whoami"
ADDRESS = "203.0.113.7"
SUBJECT = "An old secret of an API token was used: ci"


@pytest.fixture
def owner(db: None) -> Membership:
    return make_member(make_organization("Acme"))


@pytest.fixture
def old(owner: Membership) -> Issued:
    """The token with a superseded secret whose overlap has ended."""
    issued = make_token(owner, "ci")
    rotate(token=issued.token, actor=actor(owner), overlap_seconds=0)
    mails()
    return issued


def use(issued: Issued, address: str = ADDRESS) -> tuple[int, str]:
    response = program(issued).get(WHOAMI, REMOTE_ADDR=address)
    return response.status_code, response.json()["code"]


def mails() -> list[tuple[str, str]]:
    before = len(mail.outbox)
    enqueue()
    outbox.deliver()
    return told_since(before)


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="token.superseded_used"))


def refusal(issued: Issued) -> RefusedSecret:
    secret = TokenSecret.objects.filter(token=issued.token).earliest("pk")
    bucket, cause = issued.token.organization_id, cause_of_secret(secret.pk)
    return RefusedSecret(errors.TOKEN_ROTATED, bucket, issued.token.pk, cause, {}, secret.pk)


def test_a_day_has_one_event_and_one_mail_with_address_and_count(owner: Membership, old: Issued) -> None:
    # Redis counts refused uses by its own clock.
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        assert [use(old) for _ in range(3)] == [(401, "token_rotated")] * 3
        use(old, "203.0.113.8")
        [event] = events()
        assert event.changes == {"lastFour": old.plaintext[-4:], "refusedUses": 1}
        assert (event.address, event.target_id) == (ADDRESS, old.token.public_id)
        assert mails() == [(owner.user.email, SUBJECT)]
        body = str(mail.outbox[-1].body)
        assert f"Old secret: …{old.plaintext[-4:]}" in body
        assert f"Address: {ADDRESS}" in body
        assert f"Refused uses so far: 3 from {ADDRESS}, 1 from 203.0.113.8" in body
        use(old)
        assert mails() == []
        clock.move_to(now + DAY)
        use(old)
        assert len(events()) == len(mails()) + 1 == 2


def test_the_new_secret_goes_on(owner: Membership, old: Issued) -> None:
    use(old)
    token = ServiceAccountToken.objects.get(pk=old.token.pk)
    assert token.revoked_at is None
    assert token.current_secret.revoked_at is None


def test_owners_admins_who_manage_tokens_and_the_responsible_member_get_the_mail(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    responsible = make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage"])
    make_member(owner.organization, Role.MEMBER, permissions=["tokens.manage"])
    issued = make_token(responsible, "ci")
    rotate(token=issued.token, actor=actor(owner), overlap_seconds=0)
    mails()
    use(issued)
    assert mails() == sorted((one.user.email, SUBJECT) for one in (owner, admin, responsible))


def test_a_flood_costs_no_query_of_the_alarm(
    old: Issued, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    use(old)
    found = refusal(old)
    with django_assert_num_queries(0):
        superseded_use.report(found)
    # The look-up.
    with django_assert_num_queries(1):
        use(old)


def test_an_address_past_its_limit_raises_no_alarm(settings: Settings, old: Issued) -> None:
    settings.REFUSALS_PER_MINUTE = 1
    assert (
        program(f"{old.plaintext[:-4]}aaaa").get("/api/auth/whoami", REMOTE_ADDR=ADDRESS).status_code == 401
    )
    assert use(old)[0] == 429
    assert events() == []


def test_the_response_is_the_same_if_the_alarm_cannot_be_written(
    old: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("the database is unavailable")

    with monkeypatch.context() as broken:
        broken.setattr(superseded_use, "_write", fail)
        assert use(old) == (401, "token_rotated")
    assert use(old) == (401, "token_rotated")
    assert len(events()) == 1


def test_event_and_notice_are_written_together_or_not_at_all(
    old: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("the database is unavailable")

    monkeypatch.setattr(superseded_use.token_events, "superseded_used", fail)
    use(old)
    assert not Notice.objects.filter(kind="superseded_used").exists()


def test_a_process_remembers_a_bounded_number_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superseded_use, "MOST", 2)
    reported, tokens = Reported(), [uuid4() for _ in range(3)]
    assert [reported.add("2026-03-02", token) for token in tokens] == [True] * 3
    assert not reported.add("2026-03-02", tokens[2])
    assert reported.add("2026-03-03", tokens[2])


@pytest.mark.django_db(transaction=True)
def test_several_processes_write_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = make_member()
    issued = make_token(owner)
    rotate(token=issued.token, actor=actor(owner), overlap_seconds=0)
    monkeypatch.setattr(superseded_use.reported, "add", lambda day, token_id: True)
    assert at_once([partial(superseded_use.report, refusal(issued), NOON)] * 8) == [None] * 8
    assert len(events()) == 1
    assert Notice.objects.filter(kind="superseded_used").count() == 1
