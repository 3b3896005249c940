"""A pause is mailed to those who may manage tokens, except to the person who paused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from accounts.models import Membership
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from tests.support.notices import html_of, round_at
from tests.support.people import actor, make_member, make_organization, make_token
from tokens.credentials.credential import Credential
from tokens.credentials.token_lookup import authenticate_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.pause import pause, resume

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUBJECT = "API token paused: ci"


@pytest.fixture
def acme(db: None) -> Membership:
    return make_member(make_organization("Acme"))


@pytest.fixture
def ci(acme: Membership) -> ServiceAccountToken:
    token = make_token(acme, "ci", now=NOON - HOUR).token
    round_at(NOON - HOUR)
    return token


def test_it_is_sent_to_those_who_may_manage_tokens_except_the_pauser(
    acme: Membership, ci: ServiceAccountToken
) -> None:
    admin = make_member(acme.organization, Role.ADMIN)
    make_member(acme.organization, Role.VIEWER)
    manager = make_member(acme.organization, Role.VIEWER, permissions=["tokens.manage"])
    pause(token=ci, actor=actor(admin), until=NOON + HOUR, reason="Is it needed?", now=NOON)
    assert round_at(NOON) == sorted([(acme.user.email, SUBJECT), (manager.user.email, SUBJECT)])
    assert round_at(NOON) == []
    body = str(mail.outbox[-1].body)
    assert f"The API token “ci” of Acme has been paused by {admin.user.display_name}." in body
    assert "Every call with it is refused until 28 November 2026, 13:00:00 UTC." in body
    assert "Reason: Is it needed?" in body
    assert f"/settings/tokens/{ci.public_id}/" in body


def test_a_pause_by_a_program_or_by_staff_is_sent_to_all(acme: Membership, ci: ServiceAccountToken) -> None:
    issued = make_token(acme, "deployer", ["*:*:*"], now=NOON - HOUR)
    program = authenticate_token(issued.plaintext, NOON)
    assert isinstance(program, Credential)
    round_at(NOON)
    for at, acting in ((NOON, program), (NOON + HOUR, Actor(type="staff", id=None, name="Grace"))):
        pause(token=ci, actor=acting, now=at)
        assert round_at(at) == [(acme.user.email, SUBJECT)]
        resume(token=ci, actor=acting, now=at)
    assert "paused by the API token “deployer”. Every call with it is refused until it is resumed." in str(
        mail.outbox[-2].body
    )


def test_a_change_of_the_pause_is_not_sent(acme: Membership, ci: ServiceAccountToken) -> None:
    pause(token=ci, actor=Actor(type="staff", id=None, name="Grace"), now=NOON)
    assert len(round_at(NOON)) == 1
    pause(token=ci, actor=Actor(type="staff", id=None, name="Grace"), until=NOON + 3 * HOUR, now=NOON + HOUR)
    assert round_at(NOON + HOUR) == []


def test_pauses_of_one_round_share_an_email_for_each_person(
    acme: Membership, ci: ServiceAccountToken
) -> None:
    admin = make_member(acme.organization, Role.ADMIN)
    other, last = (make_token(acme, name, now=NOON - HOUR).token for name in ("other", "last"))
    round_at(NOON - HOUR)
    for token, member in ((ci, admin), (other, admin), (last, acme)):
        pause(token=token, actor=actor(member), now=NOON)
    assert round_at(NOON) == sorted(
        [
            (acme.user.email, "2 API tokens of Acme are paused"),
            (admin.user.email, "API token paused: last"),
        ]
    )


def test_an_email_about_expiring_tokens_names_paused_ones(acme: Membership) -> None:
    sixth, seventeenth = NOON + timedelta(days=6), NOON + timedelta(days=17)
    pause(token=make_token(acme, "ci", expires_in_days=20, now=NOON).token, actor=actor(acme), now=NOON)
    round_at(sixth)
    assert "Status: Paused" in str(mail.outbox[-1].body)
    pause(token=make_token(acme, "other", expires_in_days=14, now=sixth).token, actor=actor(acme), now=sixth)
    round_at(seventeenth)
    assert str(mail.outbox[-1].body).count("; paused, never used") == 2


def test_texts_of_people_are_no_links_and_no_markup(acme: Membership) -> None:
    token = make_token(acme, "<b>https://evil.example/").token
    round_at(NOON)
    pause(
        token=token,
        actor=Actor(type="staff", id=None, name="https://evil.example"),
        reason="<b>see https://evil.example",
    )
    round_at(datetime.now(UTC))
    assert "https://evil.example" not in str(mail.outbox[-1].body) + html_of()
    assert "<b>" not in html_of()
