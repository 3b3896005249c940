"""Who may change people's rights: actor kind x role then x role now x act, expected from one table.

``then`` is the role in which the session was opened, or that the program's permissions come from; ``now``
is the role of the member, or of the program's responsible member, when it acts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from accounts.authorization.acts import Act, permits
from accounts.authorization.rights import personal
from accounts.errors import APIError
from accounts.members import invitations
from accounts.members import roles as role_changes
from accounts.models import Invitation, Membership
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from tests.support.lasting import lasting
from tests.support.people import actor, make_member, make_organization, make_token
from tests.support.sessions import opened
from tests.support.team import make_invited
from tests.tokens.oauth.calls import make_program
from tokens.credentials import access_tokens, token_lookup
from tokens.credentials.credential import Credential
from tokens.lifecycle import member_removal
from tokens.models import OAuthClient, ServiceAccountToken

pytestmark = pytest.mark.django_db

KINDS = ("session", "service account", "client")
STRONGEST, WIDE = "account:admin:*", "index:write:*"


@dataclass(frozen=True)
class House:
    """``member`` acts, or is responsible for the program that does; ``colleagues`` are one of each role."""

    member: Membership
    colleagues: dict[Role, Membership]
    invited: dict[Role, Invitation]


@dataclass(frozen=True)
class Case:
    """``least`` is the lowest role that may; None where no role may."""

    name: str
    act: Callable[[Credential, House], object]
    least: Role | None
    in_person: bool = False


def highest(*roles: Role) -> Role:
    return max(roles, key=lambda role: role.rank)


def on_others() -> Iterator[Case]:
    for role, other in product(Role, Role):
        least = highest(Role.ADMIN, role, other)
        yield Case(f"{role} to {other}", lambda by, h, a=role, b=other: change(by, h.colleagues[a], b), least)
    for role in Role:
        least = highest(Role.ADMIN, role)
        yield Case(f"permission to {role}", lambda by, h, r=role: permit(by, h.colleagues[r], WIDE), least)
        yield Case(
            f"more to {role}", lambda by, h, r=role: permit(by, h.colleagues[r], STRONGEST), Role.OWNER
        )
        yield Case(f"remove {role}", lambda by, h, r=role: remove(by, h.colleagues[r]), least)
        yield Case(f"take over from {role}", lambda by, h, r=role: take_over(by, h, r), least)
        yield Case(f"invite {role}", lambda by, h, r=role: invite(by, r), least)
        yield Case(f"invite again as {role}", lambda by, h, r=role: resend(by, h.invited[r]), least)
        yield Case(f"revoke invitation of {role}", lambda by, h, r=role: revoke(by, h.invited[r]), least)
    yield Case(
        "transfer ownership",
        lambda by, h: role_changes.transfer_ownership(actor=by, member_id=h.colleagues[Role.VIEWER].pk),
        Role.OWNER,
        in_person=True,
    )


def on_oneself() -> Iterator[Case]:
    """A program's responsible member is itself, here."""
    for text in (WIDE, STRONGEST, "*:*:*", "members.manage"):
        yield Case(f"own {text}", lambda by, h, t=text: permit(by, h.member, t), None, in_person=True)
    for role in Role:
        least = highest(Role.ADMIN, role)
        yield Case(f"own role to {role}", lambda by, h, r=role: change(by, h.member, r), least, True)
    yield Case("leave", lambda by, h: remove(by, h.member), Role.VIEWER, in_person=True)
    yield Case("own token to another", give_away, None, in_person=True)


def change(by: Credential, member: Membership, role: Role) -> None:
    role_changes.change(actor=by, member_id=member.pk, role=role)


def permit(by: Credential, member: Membership, permission: str) -> None:
    role_changes.change(actor=by, member_id=member.pk, permissions=[permission])


def remove(by: Credential, member: Membership) -> None:
    member_removal.remove(actor=by, member_id=member.pk)


def take_over(by: Credential, house: House, role: Role) -> None:
    member = house.colleagues[role]
    token = ServiceAccountToken.objects.get(responsible=member)
    # By whom an owner would choose, so that only the actor's rights decide.
    taker = house.colleagues[Role.ADMIN if role is Role.OWNER else Role.OWNER]
    member_removal.remove(actor=by, member_id=member.pk, transfers={token.pk: taker.pk})


def give_away(by: Credential, house: House) -> None:
    token = ServiceAccountToken.objects.get(responsible=house.member, name="own")
    member_removal.remove(
        actor=by, member_id=house.member.pk, transfers={token.pk: house.colleagues[Role.OWNER].pk}
    )


def invite(by: Credential, role: Role) -> None:
    invitations.invite(actor=by, email=f"new-{role}@example.com", role=role)


def resend(by: Credential, invitation: Invitation) -> None:
    invitations.resend(actor=by, invitation=invitation)


def revoke(by: Credential, invitation: Invitation) -> None:
    invitations.revoke(actor=by, invitation=invitation)


def credential(kind: str, owner: Membership, member: Membership) -> Credential:
    """What ``member`` holds in the role that they have now."""
    scopes = role_scopes(member.role).texts
    found: object
    if kind == "session":
        found = access_tokens.authenticate_jwt(opened(member).access_token)
    elif kind == "service account":
        made = make_token(owner, permissions=scopes)
        ServiceAccountToken.objects.filter(pk=made.token.pk).update(responsible=member)
        found = token_lookup.authenticate_token(made.plaintext)
    else:
        program = make_program(owner, scopes=scopes)
        OAuthClient.objects.filter(pk=program.row.pk).update(responsible=member)
        found = access_tokens.authenticate_jwt(program.grant()["access_token"])
    assert isinstance(found, Credential)
    return found


def make_house() -> House:
    organization = make_organization()
    colleagues = {role: make_member(organization, role) for role in Role}
    owner = colleagues[Role.OWNER]
    member = make_member(organization)
    for name, responsible in (("own", member), *((role.value, one) for role, one in colleagues.items())):
        token = make_token(owner, name).token
        ServiceAccountToken.objects.filter(pk=token.pk).update(responsible=responsible)
    invited = {role: make_invited(owner, f"{role}@example.com", role).invitation for role in Role}
    return House(in_role(member, Role.OWNER), colleagues, invited)


def in_role(member: Membership, role: Role) -> Membership:
    Membership.objects.filter(pk=member.pk).update(role=role)
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with lasting(django_db_blocker, make_house) as made:
        yield made


def done(case: Case, by: Credential, house: House) -> bool:
    """Whether it went through; whatever it did is undone."""
    try:
        with transaction.atomic():
            case.act(by, house)
            transaction.set_rollback(True)
    except APIError:
        return False
    return True


def expected(case: Case, kind: str, then: Role, now: Role) -> bool:
    """A program acts in the lower of both roles, and does nothing that needs a person."""
    if case.least is None or (case.in_person and kind != "session"):
        return False
    role = now if kind == "session" else min(then, now, key=lambda one: one.rank)
    return not case.least.outranks(role)


CASES = (*on_others(), *on_oneself())
# Against the owner's, each role shows whether then, now, the lower or the higher one counts.
CHANGES = [one for one in product(Role, Role) if Role.OWNER in one]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("then", "now"), CHANGES)
def test_every_act_takes_the_role_of_the_table(kind: str, then: Role, now: Role, house: House) -> None:
    by = credential(kind, house.colleagues[Role.OWNER], in_role(house.member, then))
    in_role(house.member, now)
    wanted = {case.name: expected(case, kind, then, now) for case in CASES}
    assert {case.name: done(case, by, house) for case in CASES} == wanted


MADE = [one for one in product(Role, Role, Role) if not highest(Role.ADMIN, one[2]).outranks(one[0])]


@pytest.mark.parametrize(("then", "now", "role"), MADE)
def test_an_invitation_works_while_its_inviter_may_make_it(then: Role, now: Role, role: Role) -> None:
    inviter = make_member(make_organization(), then)
    invitation = make_invited(inviter, role=role).invitation
    make_member(inviter.organization)
    Membership.objects.filter(pk=inviter.pk).update(role=now)
    found = invitations.of_organization(inviter.organization_id).get(pk=invitation.pk)
    works = not highest(Role.ADMIN, role).outranks(now)
    assert invitations.is_good(found, found.created_at) is works


def test_a_demoted_owners_token_and_client_do_not_bring_the_role_back() -> None:
    for kind in ("service account", "client"):
        house = make_house()
        owner = house.colleagues[Role.OWNER]
        by = credential(kind, owner, house.member)
        change_by_owner = {"actor": actor(owner), "member_id": house.member.pk}
        role_changes.change(**change_by_owner, role=Role.VIEWER)
        with pytest.raises(APIError):
            permit(by, house.member, "*:*:*")
        with pytest.raises(APIError):
            change(by, house.member, Role.OWNER)
        with pytest.raises(APIError):
            invite(by, Role.VIEWER)
        house.member.refresh_from_db()
        assert (house.member.role, house.member.permissions) == (Role.VIEWER, [])


def test_a_program_of_an_owner_hands_no_organization_over() -> None:
    """Asked directly: the flow would refuse later, because the program's own member becomes an admin."""
    house = make_house()
    by_program = replace(personal(house.member), in_person=False)
    wanted = {"member": house.colleagues[Role.VIEWER], "role": Role.OWNER}
    assert permits(personal(house.member), Act.TRANSFER_OWNERSHIP, **wanted)
    assert not permits(by_program, Act.TRANSFER_OWNERSHIP, **wanted)
