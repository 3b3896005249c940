"""The user's name."""

from __future__ import annotations

from django.db import transaction

from accounts.audit import log
from accounts.authentication import user_events
from accounts.models import User
from accounts.registration import onboarding


@transaction.atomic
@log.batched()
def rename(*, user: User, name: str) -> User:
    """Change the name that other members see; each organization of the person gets an audit event."""
    onboarding.lock_organizations(user)
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    before, locked.name = locked.name, name
    if before != name:
        locked.save(update_fields=["name"])
        user_events.record("user.changed", locked, name=[before, name])
    return locked
