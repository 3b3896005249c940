"""Authorization of changes of a user's permissions: every such flow calls this, under the lock.

A program acts on people with its own permissions and its responsible member's rights as they are now,
whichever is less; so a token that was created in a higher role does not give that role back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from django.contrib.auth.models import Permission
from django.db.models import Q

from accounts import errors
from accounts.authorization.rights import Authorization, check_known
from accounts.errors import APIError
from accounts.models import Membership, User
from accounts.permissions.actor import Actor
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role

MANAGE = "members.manage"

# Django's permissions that equal an owner's power: staff need them to change an owner.
OWNER_PERMISSIONS = frozenset(
    {"accounts.change_organization", "accounts.delete_organization", "accounts.delete_membership"}
)


class Act(Enum):
    """A change of a user's permissions; the value is the permission that it needs, if any."""

    CHANGE_ROLE = ("change_role", MANAGE)
    CHANGE_PERMISSIONS = ("change_permissions", MANAGE)
    REMOVE = ("remove", MANAGE)
    INVITE = ("invite", MANAGE)
    REVOKE_INVITATION = ("revoke_invitation", MANAGE)
    TRANSFER_TOKENS = ("transfer_tokens", "tokens.manage")
    TRANSFER_CLIENTS = ("transfer_clients", "clients.manage")
    TRANSFER_OWNERSHIP = ("transfer_ownership", None)

    def __init__(self, label: str, permission: str | None) -> None:
        self.label = label
        self.permission = permission


# Errors of members who try this on themselves.
NEVER_ON_ONESELF = {
    Act.CHANGE_PERMISSIONS: "You cannot change your own permissions. Ask another admin or owner.",
    Act.TRANSFER_TOKENS: "You cannot transfer your own tokens. Ask another admin or owner.",
    Act.TRANSFER_CLIENTS: "You cannot transfer your own OAuth clients. Ask another admin or owner.",
}


def authorize(
    rights: Authorization,
    act: Act,
    *,
    member: Membership | None = None,
    role: str | None = None,
    permissions: Sequence[str] = (),
) -> None:
    """Refuse unless the holder of ``rights``, read under the organization's lock, may do this.

    ``member`` is whose rights change, ``role`` what they, or an invitation, are given; ``permissions`` are
    those given beyond it. Raises APIError: insufficient_scope, forbidden, invalid_request.
    """
    oneself = member is not None and member.pk == rights.member.pk
    if oneself:
        _check_oneself(rights, act)
    # Leaving needs no permission.
    if act.permission is not None and not (oneself and act is Act.REMOVE):
        _require(rights, [act.permission])
    if act is Act.TRANSFER_OWNERSHIP and not (rights.in_person and rights.role is Role.OWNER):
        raise APIError(errors.FORBIDDEN, detail="Only an owner hands the organization over.")
    given = Role(role) if role is not None else None
    held = Role(member.role) if member is not None else None
    for one in (held, given):
        if one is not None and one.outranks(rights.role):
            raise APIError(errors.FORBIDDEN, detail=f"This takes the role {one.label.lower()}.")
    if given is not None and _gives(act, held, given):
        _require(rights, role_scopes(given).texts)
    check_known(permissions)
    _require(rights, permissions)


def permits(
    rights: Authorization, act: Act, *, member: Membership | None = None, role: str | None = None
) -> bool:
    """Return whether ``authorize`` allows it, for the buttons of pages."""
    try:
        authorize(rights, act, member=member, role=role)
    except APIError:
        return False
    return True


def authorize_staff(actor: Actor, people: Collection[User]) -> None:
    """Raise APIError(forbidden) if staff lack a permission that one of these users holds.

    Any other actor was authorized in its own organization, or is the system itself.
    """
    if actor.type != "staff" or actor.user_id is None:
        return
    if not staff_may_change(User.objects.get(pk=actor.user_id), people):
        detail = "Only staff who hold all permissions of these people, owners' included, may change them."
        raise APIError(errors.FORBIDDEN, detail=detail)


def staff_may_change(staff: User, people: Collection[User]) -> bool:
    """Whether a member of staff holds at least all that each of these people holds."""
    if staff.is_superuser:
        return True
    if any(one.is_superuser for one in people):
        return False
    pks = [one.pk for one in people]
    # Read from the rows: Django returns no permissions for deactivated users.
    granted = Permission.objects.filter(Q(user__in=pks) | Q(group__user__in=pks))
    needed = {".".join(one) for one in granted.values_list("content_type__app_label", "codename")}
    if Membership.objects.filter(user__in=pks, role=Role.OWNER, organization__deleted_at=None).exists():
        needed |= OWNER_PERMISSIONS
    return needed <= staff.get_all_permissions()


def _check_oneself(rights: Authorization, act: Act) -> None:
    if not rights.in_person:
        detail = "A program does not change the member who is responsible for it."
        raise APIError(errors.FORBIDDEN, detail=detail)
    if act in NEVER_ON_ONESELF:
        raise APIError(errors.FORBIDDEN, detail=NEVER_ON_ONESELF[act])


def _gives(act: Act, held: Role | None, given: Role) -> bool:
    if act is Act.INVITE:
        return True
    return held is not None and given.outranks(held)


def _require(rights: Authorization, wanted: Sequence[str]) -> None:
    if missing := rights.missing_over_people(wanted):
        raise APIError(errors.INSUFFICIENT_SCOPE, required=missing)
