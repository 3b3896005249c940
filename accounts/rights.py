"""What an actor may do now, read under the organization's lock, where no change can overtake it."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import Membership, Organization
from accounts.roles import Role
from accounts.scopes import ScopeSet
from ratelimit import refusals
from ratelimit.refusals import Refused


def responsible_member(actor: Actor) -> Membership:
    """The member who answers for the actor; raises Refused(token_revoked) where a removal has won."""
    member = (
        Membership.objects.active()
        .filter(pk=actor.membership_id, organization_id=actor.organization_id)
        .select_related("user", "organization")
        .first()
    )
    if member is None:
        raise Refused(refusals.TOKEN_REVOKED)
    return member


def current_scopes(actor: Actor, member: Membership) -> ScopeSet:
    """A person's rights as they are now; a program's own, which never change."""
    return member.scopes if actor.type == "user" else actor.scopes


def require(actor: Actor, wanted: str) -> Membership:
    """Take the organization's lock; the member who answers for the actor, where it still holds ``wanted``.

    Raises Refused(token_revoked or insufficient_scope).
    """
    if actor.organization_id is None:
        raise Refused(refusals.TOKEN_REVOKED)
    Organization.objects.lock_all([actor.organization_id])
    member = responsible_member(actor)
    if not current_scopes(actor, member).allows(wanted):
        raise Refused(refusals.INSUFFICIENT_SCOPE, required=[wanted])
    return member


def require_rank(member: Membership, *roles: str) -> None:
    """Nobody acts on, or grants, a role above their own; raises Refused(forbidden)."""
    for role in roles:
        if Role(role).outranks(Role(member.role)):
            raise Refused(
                refusals.FORBIDDEN, detail=f"Only {Role(role).label.lower()}s may do this to {role}s."
            )
