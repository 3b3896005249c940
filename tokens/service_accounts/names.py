"""Names of active service-account tokens, which must look different within an organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.validators import name_key
from tokens.models import ServiceAccountToken

TAKEN = "An active token of this name exists already."


def by_key(organization_id: UUID, now: datetime) -> dict[str, UUID]:
    """The active tokens' ids by what their names are compared by (there are few: their number is limited)."""
    active = ServiceAccountToken.objects.filter(organization_id=organization_id).active(now)
    return {name_key(name): pk for pk, name in active.values_list("pk", "name")}


def is_taken(organization_id: UUID, name: str, now: datetime, *, token_id: UUID | None = None) -> bool:
    """Whether an active token, other than this one, has a name that looks the same."""
    return by_key(organization_id, now).get(name_key(name), token_id) != token_id
