"""The actor that every flow gets: who acts, with which scopes, in which organization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from accounts.permissions.scopes import NOTHING, ScopeSet
from accounts.proof import NOTHING_PROVEN, Proof


class HoldsScopes(Protocol):
    """The scopes of a membership."""

    @property
    def scopes(self) -> ScopeSet: ...


class Person(Protocol):
    """A user's id and name."""

    @property
    def pk(self) -> UUID: ...

    @property
    def display_name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``type`` is user, service_account, client, internal, staff or system.

    ``membership_id`` is the responsible member: of a user, their own membership in the organization.
    ``proof`` is how the user signed in to the session that acts.
    """

    type: str
    id: UUID | None
    name: str
    organization_id: UUID | None = None
    organization_name: str = ""
    membership_id: UUID | None = None
    user_id: UUID | None = None
    role: str = ""
    scopes: ScopeSet = NOTHING
    proof: Proof = NOTHING_PROVEN

    @classmethod
    def of_user(cls, user: Person) -> Actor:
        """The actor of a user's own account, outside any organization."""
        return cls(type="user", id=user.pk, name=user.display_name, user_id=user.pk)

    @classmethod
    def of_staff(cls, user: Person) -> Actor:
        """The actor of a member of Tessera's staff, who belongs to no organization by it."""
        return cls(type="staff", id=user.pk, name=user.display_name, user_id=user.pk)

    def allows(self, wanted: str) -> bool:
        return self.scopes.allows(wanted)

    def scopes_now(self, member: HoldsScopes) -> ScopeSet:
        """Return the scopes as of now: those of ``member`` for a user, its own for a program.

        Call it under the organization's lock. A Credential raises APIError(token_revoked) if it was revoked.
        """
        return member.scopes if self.type == "user" else self.scopes


SYSTEM = Actor(type="system", id=None, name="Tessera")
