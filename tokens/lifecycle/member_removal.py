"""Removal and role change of a member, with the transfer or revocation of their credentials."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction

from accounts import errors
from accounts.audit import log
from accounts.authorization.acts import Act, authorize
from accounts.authorization.rights import Authorization, authorize_locked
from accounts.errors import APIError
from accounts.members import removal, roles
from accounts.models import Membership, Organization
from accounts.permissions.actor import Actor
from accounts.permissions.required import require
from accounts.permissions.roles import Role
from tokens.lifecycle.transfer import NOTHING, Transfers, require_parents, transfer
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import MANAGE
from tokens.service_accounts.revoke import stop

ROLE_LOWERED = "The role of the member who is responsible for it was lowered"


def remove(
    *,
    actor: Actor,
    member_id: UUID,
    transfers: Mapping[UUID, UUID] = NOTHING,
    clients: Mapping[UUID, UUID] = NOTHING,
) -> Membership:
    """Remove a member of the actor's organization. Leaving it needs no permission.

    ``transfers`` maps tokens, and ``clients`` OAuth clients, to their recipients. Raises
    APIError: not_found; forbidden above the actor's rank; insufficient_scope; invalid_request with fields;
    last_owner.
    """
    try:
        return _remove(actor, member_id, Transfers(transfers, clients))
    except APIError as exc:
        if exc.error is errors.NOT_FOUND and actor.organization_id is not None:
            # The member may have been removed by a call whose confirmation was lost.
            Organization.objects.confirm([actor.organization_id])
        raise


@transaction.atomic
@log.batched()
def _remove(actor: Actor, member_id: UUID, wanted: Transfers) -> Membership:
    rights = authorize_locked(actor)
    member = rights.find(member_id)
    authorize(rights, Act.REMOVE, member=member)
    require_parents(member, wanted)
    transfer(rights=rights, member=member, wanted=wanted, actor=actor)
    removal.remove(memberships=Membership.objects.filter(pk=member.pk), actor=actor)
    return member


@transaction.atomic
@log.batched()
def change(
    *,
    actor: Actor,
    member_id: UUID,
    role: Role | None = None,
    permissions: Sequence[str] | None = None,
    transfers: Mapping[UUID, UUID] = NOTHING,
    clients: Mapping[UUID, UUID] = NOTHING,
    revoked: Collection[UUID] = (),
) -> Membership:
    """Change a member as ``roles.change`` does, and transfer or revoke the given credentials.

    Credentials not given stay as they are.
    """
    rights = authorize_locked(actor)
    member = rights.find(member_id)
    transfer(rights=rights, member=member, wanted=Transfers(transfers, clients), actor=actor)
    if revoked:
        _revoke(rights, member, revoked, actor)
    return roles.change(actor=actor, member_id=member_id, role=role, permissions=permissions)


def _revoke(rights: Authorization, member: Membership, chosen: Collection[UUID], actor: Actor) -> None:
    require(rights.scopes, [MANAGE])
    tokens = ServiceAccountToken.objects.filter(responsible=member, pk__in=chosen)
    if tokens.count() != len(set(chosen)):
        raise APIError(errors.NOT_FOUND)
    stop(tokens, actor=actor, reason=ROLE_LOWERED)
