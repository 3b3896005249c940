"""Sessions that end with a membership, a password or an address: one event in the log with their number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.audit.log import first_broken
from accounts.audit.models import AuditEvent
from accounts.authentication.mailed_links import Claim, find, issue
from accounts.members import removal
from accounts.models import Membership, Organization, User
from accounts.models.mailed_claim import LinkKind
from accounts.permissions.roles import Role
from accounts.registration import email_change, password_reset
from tests.support.people import PASSWORD, actor, make_member
from tests.support.sessions import join, make_person, opened
from tokens.grants import revocation
from tokens.lifecycle.receivers import EMAIL_CHANGED, PASSWORD_CHANGED
from tokens.models import Grant, GrantKind
from tokens.models.service_account import DEACTIVATED, REMOVED

pytestmark = pytest.mark.django_db
Recorded = tuple[str, str, int, str]


def results(organization: Organization) -> list[Recorded]:
    """Kind of actor, target, number and reason of each event about ended sessions."""
    events = AuditEvent.objects.filter(organization=organization, action="sessions.ended").order_by(
        "sequence"
    )
    return [
        (one.actor_type, one.target_name, one.changes["sessionsEnded"], one.changes["reason"])
        for one in events
    ]


@pytest.fixture
def ada(owner: Membership) -> Membership:
    """With two sessions here, one that has ended before, and one elsewhere."""
    ada = make_person(owner.organization, Role.ADMIN, "ada@example.com", name="Ada")
    for kind in (GrantKind.SESSION, GrantKind.PASSWORD, GrantKind.SESSION):
        last = opened(ada, kind)
    revocation.revoke(Grant.objects.filter(pk=last.grant.pk), reason="before")
    elsewhere = join(ada.user)
    make_member(elsewhere.organization)
    opened(elsewhere)
    return ada


def elsewhere(ada: Membership) -> Organization:
    return Organization.objects.exclude(pk=ada.organization_id).get(memberships__user=ada.user)


def test_a_removals_are_told_where_it_happened(owner: Membership, ada: Membership) -> None:
    removal.remove(memberships=Membership.objects.filter(pk=ada.pk), actor=actor(owner))
    assert results(owner.organization) == [("user", "Ada", 2, REMOVED)]
    event = AuditEvent.objects.get(organization=owner.organization, action="sessions.ended")
    assert event.actor_id == owner.user.public_id
    assert results(elsewhere(ada)) == []


def change_password(ada: Membership) -> None:
    password_reset.set_password(ada.user, "another-long-passphrase")


def reset_password(ada: Membership) -> None:
    link = issue(Claim(LinkKind.RESET, ada.user.email, ada.user))
    password_reset.confirm(link.rsplit("/", 1)[1], "another-long-passphrase")


def move(ada: Membership) -> None:
    link = issue(Claim(LinkKind.MOVE, "ada@new.example.com", ada.user))
    email_change.confirm(find(link.rsplit("/", 1)[1], LinkKind.MOVE), ada.user)


def deactivate(ada: Membership) -> None:
    removal.deactivate(users=User.objects.filter(pk=ada.user_id), actor=actor(ada))


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (change_password, PASSWORD_CHANGED),
        (reset_password, PASSWORD_CHANGED),
        (move, EMAIL_CHANGED),
        (deactivate, DEACTIVATED),
    ],
)
def test_those_of_a_person_are_told_in_each_organization(
    ada: Membership, end: Callable[[Membership], None], reason: str
) -> None:
    there = elsewhere(ada)
    end(ada)
    assert results(ada.organization) == [("user", "Ada", 2, reason)]
    assert results(there) == [("user", "Ada", 1, reason)]
    assert first_broken(ada.organization_id) is None


def test_where_none_was_open_nothing_is_told(owner: Membership) -> None:
    quiet = make_person(owner.organization, Role.MEMBER)
    password_reset.set_password(quiet.user, PASSWORD)
    removal.remove(memberships=Membership.objects.filter(pk=quiet.pk), actor=actor(owner))
    assert results(owner.organization) == []


def test_another_name_ends_nothing(ada: Membership) -> None:
    ada.user.name = "Ada L."
    ada.user.save()
    assert results(ada.organization) == []
