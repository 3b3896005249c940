"""Uniqueness of active tokens' names within an organization: names that look alike are equal."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.validation.text import name_key
from tokens.models import ServiceAccountToken

TAKEN = "An active token of this name exists already."


def by_key(organization_id: UUID, now: datetime) -> dict[str, UUID]:
    """Return the ids of the active tokens, whose number is limited, by their name's comparison key."""
    active = ServiceAccountToken.objects.filter(organization_id=organization_id).active(now)
    return {name_key(name): pk for pk, name in active.values_list("pk", "name")}


def is_taken(organization_id: UUID, name: str, now: datetime, *, token_id: UUID | None = None) -> bool:
    """Return whether an active token other than ``token_id`` has a name that looks the same."""
    return by_key(organization_id, now).get(name_key(name), token_id) != token_id
