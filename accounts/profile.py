"""A person's own name."""

from __future__ import annotations

from django.db import transaction

from accounts import audit, joining, people_trail
from accounts.models import User


@transaction.atomic
@audit.gathered()
def rename(*, user: User, name: str) -> User:
    """Change the name that other members see; each organization of the person gets an audit event."""
    joining.lock_organizations(user)
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    before, locked.name = locked.name, name
    if before != name:
        locked.save(update_fields=["name"])
        people_trail.record("user.changed", locked, name=[before, name])
    return locked
