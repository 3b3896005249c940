"""Changes of an organization: by its own people and programs, and by staff."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organization


@transaction.atomic
def change(
    *, organization_id: UUID, name: str | None = None, never_expiring_allowed: bool | None = None
) -> Organization:
    """Change what is given and leave the rest; tokens that exist keep their expiry."""
    organization = Organization.objects.locked(organization_id)
    given = {"name": name, "never_expiring_allowed": never_expiring_allowed}
    changed = {field: value for field, value in given.items() if value is not None}
    for field, value in changed.items():
        setattr(organization, field, value)
    if changed:
        organization.save(update_fields=changed)
    return organization


@transaction.atomic
def suspend(*, organization: Organization, actor: Actor) -> bool:
    """Stop everything the organization's programs may do, until it resumes; whether it was running."""
    return _set_suspended(organization, timezone.now())


@transaction.atomic
def resume(*, organization: Organization, actor: Actor) -> bool:
    """Let the same credentials work again; whether it was suspended."""
    return _set_suspended(organization, None)


@transaction.atomic
def set_terms(*, organization: Organization, actor: Actor, fields: Collection[str]) -> None:
    """Keep what staff have set on ``organization`` in the named fields: plan, own number, policy."""
    locked = Organization.objects.locked(organization.pk)
    for field in fields:
        setattr(locked, field, getattr(organization, field))
    locked.generation += 1
    locked.save(update_fields=[*fields, "generation"])


def _set_suspended(organization: Organization, moment: datetime | None) -> bool:
    locked = Organization.objects.locked(organization.pk)
    if (locked.suspended_at is None) == (moment is None):
        return False
    locked.suspended_at = moment
    locked.generation += 1
    locked.save(update_fields=["suspended_at", "generation"])
    return True
