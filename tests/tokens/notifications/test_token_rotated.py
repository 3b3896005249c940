"""A token was rotated: everyone who may manage tokens gets a mail, the person who rotated it too."""

from __future__ import annotations

import pytest
from django.core import mail

from accounts.models import Membership, Notice
from accounts.notifications import outbox
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.notices import html_of, told_since
from tests.support.people import actor, make_member, make_organization, make_token
from tokens.models import ServiceAccountToken
from tokens.notifications import token_rotated
from tokens.notifications.dispatch import enqueue
from tokens.service_accounts.rotation import cancel, rotate

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db: None) -> Membership:
    return make_member(make_organization("Acme"))


@pytest.fixture
def ci(owner: Membership) -> ServiceAccountToken:
    token = make_token(owner, "ci").token
    results()
    return token


def results() -> list[tuple[str, str]]:
    before = len(mail.outbox)
    enqueue()
    outbox.deliver()
    return told_since(before)


def test_owners_and_admins_learn_who_rotated_and_when_the_old_secret_ends(
    owner: Membership, ci: ServiceAccountToken
) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    make_member(owner.organization, Role.VIEWER)
    old = ci.current_secret.last_four
    rotated = rotate(token=ci, actor=actor(admin))
    subject = "API token rotated in Acme: ci"
    assert results() == sorted([(owner.user.email, subject), (admin.user.email, subject)])
    assert results() == []
    body = str(mail.outbox[-1].body)
    assert f"The API token “ci” has been rotated in Acme by {admin.user.display_name}." in body
    assert f"New secret: …{rotated.plaintext[-4:]}" in body
    assert f"Old secret: …{old}: valid until " in body
    assert f"/settings/tokens/{ci.public_id}/" in body
    assert rotated.plaintext[7:15] not in str(mail.outbox[-1].message()) + html_of()


def test_a_rotation_without_an_overlap_says_that_the_old_secret_has_ended(
    owner: Membership, ci: ServiceAccountToken
) -> None:
    old = ci.current_secret.last_four
    rotate(token=ci, actor=actor(owner), overlap_seconds=0)
    results()
    assert f"Old secret: …{old}: no longer valid" in str(mail.outbox[-1].body)


def test_each_rotation_has_a_notice_and_those_of_one_round_share_a_mail(
    owner: Membership, ci: ServiceAccountToken
) -> None:
    rotate(token=ci, actor=actor(owner))
    cancel(token=ci, actor=actor(owner))
    rotate(token=ci, actor=actor(owner))
    assert [subject for _, subject in results()] == [
        "2 API tokens rotated in Acme",
        "Rotation cancelled in Acme",
    ]


def test_a_cancellation_names_the_token_its_old_secret_and_who_cancelled(
    owner: Membership, ci: ServiceAccountToken
) -> None:
    admin, old = make_member(owner.organization, Role.ADMIN), ci.current_secret.last_four
    rotate(token=ci, actor=actor(owner))
    results()
    cancel(token=ci, actor=actor(admin))
    subject = "Rotation cancelled in Acme"
    assert results() == sorted([(owner.user.email, subject), (admin.user.email, subject)])
    body = str(mail.outbox[-1].body)
    assert "The new secret is refused from now on, and the old one stays valid." in body
    assert f"ci: by {admin.user.display_name}, " in body
    assert f", old secret …{old}" in body


def test_a_program_and_its_address_are_named(owner: Membership) -> None:
    issued = make_token(owner, "robot", permissions=["tokens:rotate:self"])
    results()
    response = program(issued).post(f"/api/v1/tokens/{issued.token.public_id}/rotate", {})
    assert response.status_code == 201
    results()
    body = str(mail.outbox[-1].body)
    assert "has been rotated in Acme by the API token “robot”." in body
    assert ", from the address 127.0.0.1" in body


def test_a_command_mails_nobody(owner: Membership, ci: ServiceAccountToken) -> None:
    secret = ci.current_secret
    token_rotated.enqueue(ci, SYSTEM, ci.created_at, secret=secret, previous=secret, until=ci.created_at)
    assert not Notice.objects.filter(kind="token_rotated").exists()
