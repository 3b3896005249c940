"""Other roles and permissions for members. Nobody acts above their level, and an owner always remains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from accounts import audit, mails, member_letters
from accounts.actors import Actor
from accounts.members import check_owners, record
from accounts.models import Membership, Organization
from accounts.rights import Rights, check_permissions, locked_rights
from accounts.roles import Role
from ratelimit import refusals
from ratelimit.refusals import Refused

MANAGE = "members.manage"


@transaction.atomic
@audit.gathered()
def change(
    *,
    actor: Actor,
    member_id: UUID,
    role: Role | None = None,
    permissions: Sequence[str] | None = None,
) -> Membership:
    """Give a member of the actor's organization another role, or other permissions beyond the role.

    Tokens that the member answers for go on: they belong to the organization. Raises Refused:
    not_found; forbidden above the actor's rank; insufficient_scope for what the actor does not hold;
    invalid_request for a permission that does not exist; last_owner.
    """
    rights = locked_rights(actor, MANAGE)
    member = rights.find(member_id)
    rights.require_rank(member.role)
    before = {"role": member.role, "permissions": list(member.permissions)}
    if role is not None and role != member.role:
        _check_role(rights, member, role)
        member.role = role
    if permissions is not None:
        kept = list(dict.fromkeys(permissions))
        added = [text for text in kept if text not in member.permissions]
        check_permissions(rights.scopes, added)
        if set(kept) != set(member.permissions):
            member.permissions = kept
    _save(member, before, actor)
    return member


@transaction.atomic
@audit.gathered()
def transfer_ownership(*, actor: Actor, member_id: UUID) -> Membership:
    """Make another member an owner and become an admin, in one act. Returns the new owner.

    Raises Refused: forbidden unless the actor is an owner in person; not_found; invalid_request.
    """
    rights = locked_rights(actor)
    if actor.type != "user" or rights.role is not Role.OWNER:
        raise Refused(refusals.FORBIDDEN, detail="Only an owner hands the organization over.")
    heir = rights.find(member_id)
    if heir.pk == rights.member.pk or not heir.user.is_active:
        raise Refused(
            refusals.INVALID_REQUEST, fields={"memberId": ["Choose another member, who is not deactivated."]}
        )
    for member, role in ((heir, Role.OWNER), (rights.member, Role.ADMIN)):
        before = {"role": member.role, "permissions": list(member.permissions)}
        member.role = role
        _save(member, before, actor)
    return heir


def _check_role(rights: Rights, member: Membership, role: Role) -> None:
    if role.outranks(Role(member.role)):
        rights.require_grantable(role)
    else:
        rights.require_rank(role)
    if role is not Role.OWNER:
        check_owners([member])


def _save(member: Membership, before: Mapping[str, object], actor: Actor) -> None:
    """Write, record and tell what differs; a repeat does nothing of it."""
    changed = audit.difference(before, {"role": member.role, "permissions": member.permissions})
    if not changed:
        Organization.objects.confirm([member.organization_id])
        return
    member.save(update_fields=["role", "permissions"])
    Organization.objects.advance([member.organization_id])
    for field in changed:
        record(f"member.{field}_changed", member, actor, **{field: changed[field]})
    if actor.user_id != member.user_id or actor.type != "user":
        letter = member_letters.role_changed if "role" in changed else member_letters.permissions_changed
        mails.send(letter(member, actor.name), member.user.email)
    if changed.get("role", [None, None])[1] == Role.OWNER:
        _tell_owners(member, actor)


def _tell_owners(member: Membership, actor: Actor) -> None:
    others = Membership.objects.active().filter(organization=member.organization_id, role=Role.OWNER)
    for owner in others.exclude(pk=member.pk).select_related("user"):
        mails.send(member_letters.new_owner(member, actor.name), owner.user.email)
