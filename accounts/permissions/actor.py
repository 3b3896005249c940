"""Who acts, with what rights, from where: the one value that every flow is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from accounts.permissions.scopes import NOTHING, ScopeSet
from accounts.proof import NOTHING_PROVEN, Proof


class HoldsScopes(Protocol):
    """A membership, as far as an actor asks."""

    @property
    def scopes(self) -> ScopeSet: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``type`` is user, service_account, client, internal, staff or system.

    ``membership_id`` is the member who answers for the act: one's own, or a token's responsible one.
    ``proof`` is what a person has proven in the session that acts.
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

    def allows(self, wanted: str) -> bool:
        return self.scopes.allows(wanted)

    def scopes_now(self, member: HoldsScopes) -> ScopeSet:
        """What it may under the organization's lock: a person what ``member`` may, a program its own.

        Credentials say more, and raise APIError(token_revoked) where they have ended meanwhile.
        """
        return member.scopes if self.type == "user" else self.scopes


SYSTEM = Actor(type="system", id=None, name="Tessera")
