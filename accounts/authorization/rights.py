"""An actor's authorization as of now, read under the organization's lock to avoid race conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.permissions.actor import Actor
from accounts.permissions.catalogue import EVERYTHING, catalogue
from accounts.permissions.required import record, require
from accounts.permissions.roles import Role
from accounts.permissions.scopes import ScopeSet, parse
from accounts.proof import NOTHING_PROVEN, Proof

SUSPENDED = "The organization is suspended: it can get no new credentials and members until it is resumed."


@dataclass(frozen=True, slots=True)
class Authorization:
    """``member`` is responsible for the actor; ``scopes`` are the actor's own, ``role`` its rank."""

    member: Membership
    scopes: ScopeSet
    role: Role
    in_person: bool

    def find(self, member_id: UUID) -> Membership:
        """A member of the same organization; raises APIError(not_found) for any other."""
        member = (
            Membership.objects.filter(pk=member_id, organization_id=self.member.organization_id)
            .select_related("user", "organization")
            .first()
        )
        if member is None:
            raise APIError(errors.NOT_FOUND)
        return member

    def missing_over_people(self, wanted: Sequence[str]) -> list[str]:
        """Those of ``wanted`` that the actor, or the responsible member as of now, does not hold."""
        record(wanted)
        return [text for text in wanted if not (self.scopes.allows(text) and self.member.scopes.allows(text))]


def actor_of(membership: Membership, proof: Proof = NOTHING_PROVEN) -> Actor:
    return Actor(
        type="user",
        id=membership.user_id,
        name=membership.user.display_name,
        organization_id=membership.organization_id,
        organization_name=membership.organization.name,
        membership_id=membership.id,
        user_id=membership.user_id,
        role=membership.role,
        scopes=membership.scopes,
        proof=proof,
    )


def personal(member: Membership) -> Authorization:
    """Return what a member may do in person."""
    return Authorization(member, member.scopes, Role(member.role), in_person=True)


def responsible_member(actor: Actor) -> Membership:
    """Return the member who is responsible for the actor; raises APIError if that member was removed."""
    if actor.membership_id is None or actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    member = (
        Membership.objects.active()
        .filter(pk=actor.membership_id, organization_id=actor.organization_id)
        .filter(organization__deleted_at=None)
        .select_related("user", "organization")
        .first()
    )
    if member is None and actor.type == "client":
        # The client outlives the member who created it, but then no member is responsible for it.
        raise APIError(errors.FORBIDDEN, detail="The member who is responsible for this client has left.")
    if member is None:
        raise APIError(errors.TOKEN_REVOKED)
    return member


def authorization_of(actor: Actor, wanted: str | None = None) -> Authorization:
    """Return what the actor may do as of now; call it under the organization's lock.

    Raises APIError after a removal or a revocation, and if ``wanted`` is not (or no longer) held.
    """
    member = responsible_member(actor)
    scopes = actor.scopes_now(member)
    if wanted is not None:
        require(scopes, [wanted])
    return Authorization(member, scopes, _rank(actor, member, scopes), in_person=actor.type == "user")


def authorize_locked(actor: Actor, wanted: str | None = None) -> Authorization:
    """Lock the actor's organization, then return what the actor may do."""
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    Organization.objects.lock_all([actor.organization_id])
    return authorization_of(actor, wanted)


def require_running(organization: Organization) -> None:
    """Raise APIError(organization_suspended): such an organization gets no new credential and no new member.

    Call it under the organization's lock. What ends or hands over a credential goes on.
    """
    if organization.suspended_at is not None:
        raise APIError(errors.ORGANIZATION_SUSPENDED, detail=SUSPENDED)


def check_permissions(held: ScopeSet, permissions: Sequence[str], field: str = "permissions") -> None:
    """Raise APIError(insufficient_scope or invalid_request) unless all of ``permissions`` are held."""
    check_known(permissions, field)
    require(held, permissions)


def check_known(permissions: Sequence[str], field: str = "permissions") -> None:
    """Raise APIError(invalid_request) for a permission that does not exist."""
    if sentences := unknown(permissions):
        raise APIError(errors.INVALID_REQUEST, fields={field: sentences})


def unknown(permissions: Sequence[str]) -> list[str]:
    """A sentence for each permission that does not exist."""
    return [f"There is no permission {text}." for text in permissions if not _is_known(text)]


def _rank(actor: Actor, member: Membership, scopes: ScopeSet) -> Role:
    """Return the responsible member's role, but at most admin for a program that lacks a scope."""
    role = Role(member.role)
    if actor.type != "user" and role is Role.OWNER and not scopes.allows(EVERYTHING):
        return Role.ADMIN
    return role


def _is_known(text: str) -> bool:
    try:
        return catalogue().knows(parse(text))
    except ValueError:
        return False
