"""Who acts, with what rights, from where: the one value that every flow is given."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from accounts.scopes import NOTHING, ScopeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``type`` is user, service_account, client, internal, staff or system.

    ``membership_id`` is the member who answers for the act: one's own, or a token's responsible one.
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

    def allows(self, wanted: str) -> bool:
        return self.scopes.allows(wanted)


SYSTEM = Actor(type="system", id=None, name="Tessera")
