"""An invitation dies with its inviter's right to make it, whichever way that ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from accounts import errors
from accounts.errors import APIError
from accounts.members import removal, roles
from accounts.members.invitations import accept, invite, resend, revoke
from accounts.models import Invitation, Membership, User
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tests.support.people import actor, make_member, make_organization
from tests.support.team import make_invited, make_proven

pytestmark = pytest.mark.django_db


def demote(owner: Membership, admin: Membership) -> None:
    roles.change(actor=actor(owner), member_id=admin.pk, role=Role.MEMBER)


def remove(owner: Membership, admin: Membership) -> None:
    removal.remove(memberships=Membership.objects.filter(pk=admin.pk), actor=actor(owner))


def remove_in_sql(owner: Membership, admin: Membership) -> None:
    with connection.cursor() as cursor:
        pk = Membership._meta.pk.get_db_prep_value(admin.pk, connection)
        cursor.execute("DELETE FROM accounts_membership WHERE id = %s", [pk])


def remove_and_return(owner: Membership, admin: Membership) -> None:
    remove(owner, admin)
    make_member(owner.organization, Role.OWNER, admin.user)


def deactivate(owner: Membership, admin: Membership) -> None:
    removal.deactivate(users=User.objects.filter(pk=admin.user_id), actor=SYSTEM)


def deactivate_in_sql(owner: Membership, admin: Membership) -> None:
    User.objects.filter(pk=admin.user_id).update(is_active=False)


def delete(owner: Membership, admin: Membership) -> None:
    removal.delete_people(users=User.objects.filter(pk=admin.user_id), actor=SYSTEM)


def move(owner: Membership, admin: Membership) -> None:
    Membership.objects.filter(pk=admin.pk).update(organization=make_organization())


def suspend(owner: Membership, admin: Membership) -> None:
    update.suspend(organization=owner.organization, actor=SYSTEM)


def mark_deleted(owner: Membership, admin: Membership) -> None:
    owner.organization.deleted_at = timezone.now()
    owner.organization.save()


ENDS = (
    demote,
    remove,
    remove_in_sql,
    remove_and_return,
    deactivate,
    deactivate_in_sql,
    delete,
    move,
    suspend,
    mark_deleted,
)


@pytest.mark.parametrize("end", ENDS)
def test_it_dies_with_the_right_to_make_it(
    owner: Membership, end: Callable[[Membership, Membership], None]
) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    invited = make_invited(admin, role=Role.ADMIN)
    end(owner, admin)
    with pytest.raises(APIError) as caught:
        accept(secret=invited.secret, user=make_proven("grace@example.com"))
    assert caught.value.error is errors.INVITATION_GONE


def test_what_the_inviter_may_still_give_lives_on(owner: Membership) -> None:
    make_member(owner.organization)
    invited = make_invited(owner, role=Role.ADMIN)
    roles.change(actor=actor(owner), member_id=owner.pk, role=Role.ADMIN)
    assert accept(secret=invited.secret, user=make_proven("grace@example.com")).role == Role.ADMIN


def test_another_may_take_a_lapsed_one_over(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    invited = make_invited(admin, role=Role.ADMIN)
    remove(owner, admin)
    again = resend(actor=actor(owner), invitation=invited.invitation)
    assert accept(secret=again.secret, user=make_proven("grace@example.com")).role == Role.ADMIN


@pytest.mark.parametrize(
    ("inviter", "role", "expected"),
    [
        (Role.ADMIN, Role.OWNER, errors.FORBIDDEN),
        (Role.MEMBER, Role.VIEWER, errors.INSUFFICIENT_SCOPE),
        (Role.VIEWER, Role.VIEWER, errors.INSUFFICIENT_SCOPE),
    ],
)
def test_nobody_invites_above_their_level(
    owner: Membership, inviter: Role, role: Role, expected: errors.ErrorCode
) -> None:
    member = make_member(owner.organization, inviter)
    with pytest.raises(APIError) as caught:
        make_invited(member, role=role)
    assert caught.value.error is expected
    assert not Invitation.objects.exists()


def test_a_viewer_who_may_manage_members_invites_viewers_alone(owner: Membership) -> None:
    helper = make_member(owner.organization, Role.VIEWER, permissions=["members.manage"])
    assert make_invited(helper, role=Role.VIEWER)
    with pytest.raises(APIError) as caught:
        make_invited(helper, "ada@example.com", role=Role.MEMBER)
    assert caught.value.error is errors.FORBIDDEN


@pytest.mark.parametrize("act", [revoke, resend])
def test_an_admin_leaves_an_owners_invitation_alone(owner: Membership, act: Callable[..., object]) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    invited = make_invited(owner, role=Role.OWNER)
    with pytest.raises(APIError) as caught:
        act(actor=actor(admin), invitation=invited.invitation)
    assert caught.value.error is errors.FORBIDDEN
    with pytest.raises(APIError) as caught:
        invite(actor=actor(admin), email="grace@example.com", role=Role.VIEWER)
    assert caught.value.error is errors.FORBIDDEN
    assert accept(secret=invited.secret, user=make_proven("grace@example.com")).role == Role.OWNER
