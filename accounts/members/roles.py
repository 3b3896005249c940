"""Changes of roles and permissions. No actor grants above its own role, and an owner always remains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from accounts import errors
from accounts.audit import log
from accounts.authorization import policies
from accounts.authorization.acts import Act, authorize
from accounts.authorization.rights import authorize_locked
from accounts.errors import APIError
from accounts.members import emails
from accounts.members.removal import check_owners, record
from accounts.models import Membership, Organization
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role


@transaction.atomic
@log.batched()
def change(
    *,
    actor: Actor,
    member_id: UUID,
    role: Role | None = None,
    permissions: Sequence[str] | None = None,
) -> Membership:
    """Change the role of a member, or the permissions beyond it.

    A lower role removes all permissions beyond it but those that ``permissions`` names. Tokens that the
    member is responsible for go on: they belong to the organization. Raises APIError: not_found; forbidden
    above the actor's rank or for one's own permissions; insufficient_scope for what the actor, or the
    member responsible for it, does not hold; invalid_request for an unknown permission; last_owner.
    """
    rights = authorize_locked(actor)
    member = rights.find(member_id)
    role = Role(member.role) if role is None else role
    authorize(rights, Act.CHANGE_ROLE, member=member, role=role)
    if role.outranks(Role(member.role)):
        policies.require_recent_proof_for(actor, role)
    if role is not Role.OWNER:
        check_owners([member])
    before = _values(member)
    held = [] if Role(member.role).outranks(role) else member.permissions
    kept = held if permissions is None else list(dict.fromkeys(permissions))
    if set(kept) != set(held):
        added = [text for text in kept if text not in held]
        authorize(rights, Act.CHANGE_PERMISSIONS, member=member, permissions=added)
        if added:
            policies.require_recent_proof(actor)
        held = kept
    member.role, member.permissions = role, held
    _save(member, before, actor)
    return member


@transaction.atomic
@log.batched()
def transfer_ownership(*, actor: Actor, member_id: UUID) -> Membership:
    """Make another member an owner and the actor an admin. Return the new owner.

    Raises APIError: forbidden unless the actor is an owner in person; not_found; invalid_request.
    """
    rights = authorize_locked(actor)
    recipient = rights.find(member_id)
    authorize(rights, Act.TRANSFER_OWNERSHIP, member=recipient, role=Role.OWNER)
    policies.require_recent_proof(actor)
    if recipient.pk == rights.member.pk or not recipient.user.is_active:
        raise APIError(
            errors.INVALID_REQUEST, fields={"memberId": ["Choose another member, who is not deactivated."]}
        )
    before = _values(recipient)
    recipient.role = Role.OWNER
    _save(recipient, before, actor)
    change(actor=actor, member_id=rights.member.pk, role=Role.ADMIN)
    return recipient


def _values(member: Membership) -> dict[str, object]:
    return {"role": member.role, "permissions": list(member.permissions)}


def _save(member: Membership, before: Mapping[str, object], actor: Actor) -> None:
    """Save, record and mail the changes; a repeat changes nothing."""
    changed = log.difference(before, _values(member))
    if not changed:
        Organization.objects.confirm([member.organization_id])
        return
    member.save(update_fields=["role", "permissions"])
    Organization.objects.advance([member.organization_id])
    for field in changed:
        record(f"member.{field}_changed", member, actor, **{field: changed[field]})
    if actor.user_id != member.user_id or actor.type != "user":
        compose = emails.role_changed if "role" in changed else emails.permissions_changed
        outbox.enqueue(compose(member, actor.name), member.user.email)
    if changed.get("role", [None, None])[1] == Role.OWNER:
        _email_owners(member, actor)


def _email_owners(member: Membership, actor: Actor) -> None:
    others = Membership.objects.active().filter(organization=member.organization_id, role=Role.OWNER)
    addresses = others.exclude(pk=member.pk).values_list("user__email", flat=True)
    outbox.enqueue(emails.new_owner(member, actor.name), *addresses)
