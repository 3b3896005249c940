"""Members with what hangs on them: chosen tokens are taken over by others before the rest ends.

A token goes to an active member of the organization who may manage tokens and holds all that the token
does: whoever answers for a token could have made it. Nothing else about the token changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit, members, role_changes
from accounts.actors import Actor
from accounts.authorization import Act, authorize
from accounts.models import Membership, Organization
from accounts.rights import Rights, locked_rights
from accounts.roles import Role
from ratelimit import refusals
from ratelimit.refusals import Refused
from tokens import issuing, trail
from tokens.models import ServiceAccountToken

NOBODY: Mapping[UUID, UUID] = {}


def remove(*, actor: Actor, member_id: UUID, transfers: Mapping[UUID, UUID] = NOBODY) -> Membership:
    """Remove a member of the actor's organization, or leave it: that needs no permission.

    ``transfers`` maps tokens to the members who take them over. Raises Refused: not_found; forbidden
    above the actor's rank; insufficient_scope; invalid_request with fields; last_owner.
    """
    try:
        return _remove(actor, member_id, transfers)
    except Refused as refused:
        if refused.refusal is refusals.NOT_FOUND and actor.organization_id is not None:
            # Removed before, it may be, by a call whose confirmation got lost.
            Organization.objects.confirm([actor.organization_id])
        raise


@transaction.atomic
@audit.gathered()
def _remove(actor: Actor, member_id: UUID, transfers: Mapping[UUID, UUID]) -> Membership:
    rights = locked_rights(actor)
    member = rights.find(member_id)
    authorize(rights, Act.REMOVE, member=member)
    _hand_over(rights, member, transfers, actor)
    members.remove(memberships=Membership.objects.filter(pk=member.pk), actor=actor)
    return member


@transaction.atomic
@audit.gathered()
def change(
    *,
    actor: Actor,
    member_id: UUID,
    role: Role | None = None,
    permissions: Sequence[str] | None = None,
    transfers: Mapping[UUID, UUID] = NOBODY,
) -> Membership:
    """``role_changes.change``, with tokens that others take over; those that nobody does stay as they are."""
    rights = locked_rights(actor)
    _hand_over(rights, rights.find(member_id), transfers, actor)
    return role_changes.change(actor=actor, member_id=member_id, role=role, permissions=permissions)


def heirs(member: Membership) -> list[Membership]:
    """Who may take over tokens of this member, by name."""
    others = Membership.objects.active().filter(organization_id=member.organization_id).exclude(pk=member.pk)
    able = [one for one in others.select_related("user") if one.scopes.allows(issuing.MANAGE)]
    return sorted(able, key=lambda one: one.user.display_name.casefold())


def _hand_over(rights: Rights, member: Membership, transfers: Mapping[UUID, UUID], actor: Actor) -> None:
    if not transfers:
        return
    authorize(rights, Act.TRANSFER_CREDENTIALS, member=member)
    inside = {"organization_id": member.organization_id}
    tokens = ServiceAccountToken.objects.filter(**inside).in_bulk(list(transfers))
    takers = Membership.objects.filter(**inside).select_related("user").in_bulk(set(transfers.values()))
    if tokens.keys() != set(transfers) or takers.keys() != set(transfers.values()):
        raise Refused(refusals.NOT_FOUND)
    active = set(ServiceAccountToken.objects.filter(responsible=member).active(timezone.now()))
    pairs = [(tokens[token_id], takers[taker_id]) for token_id, taker_id in transfers.items()]
    problems = {
        f"transferTokens.{token.public_id}": [sentence]
        for token, taker in pairs
        if (sentence := _problem(token, taker, member, active))
    }
    if problems:
        raise Refused(refusals.INVALID_REQUEST, fields=problems)
    for token, taker in pairs:
        ServiceAccountToken.objects.filter(pk=token.pk).update(responsible=taker)
        trail.transferred(token, actor, member, taker)
    # Workers remember who answers for a token.
    Organization.objects.advance([member.organization_id])


def _problem(
    token: ServiceAccountToken, taker: Membership, member: Membership, active: set[ServiceAccountToken]
) -> str:
    """Why this member cannot take this token over; "" where they can."""
    name = taker.user.display_name
    if token not in active:
        return f"{member.user.display_name} does not answer for an active token of this id."
    if taker.pk == member.pk or not taker.user.is_active:
        return f"{name} cannot take it over. Choose another member."
    if not taker.scopes.allows(issuing.MANAGE):
        return f"{name} may not manage tokens."
    if taker.scopes.missing(token.permissions):
        return f"{name} does not hold everything that the token does."
    return ""
