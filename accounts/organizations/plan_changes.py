"""Signal receiver that applies a changed plan immediately to every organization that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.audit import log
from accounts.audit.log import Target
from accounts.models import Organization, User
from accounts.permissions.actor import SYSTEM, Actor
from ratelimit.models import Plan, plan_changed


@receiver(plan_changed, dispatch_uid="accounts.plan_changed")
@transaction.atomic
@log.batched()
def apply(plan: Plan, before: Mapping[str, Any], edited_by: object, **_: Any) -> None:
    organizations = list(plan.organizations.values_list("pk", flat=True))
    Organization.objects.lock_all(organizations)
    Organization.objects.advance(organizations)
    changed = log.difference(dict(before), {name: getattr(plan, name) for name in before})
    if not changed:
        return
    actor = _editor(edited_by)
    for pk in organizations:
        log.record(
            organization_id=pk,
            action="organization.plan_changed",
            actor=actor,
            target=Target("plan", plan.slug, plan.name),
            changes=changed,
        )


def _editor(user: object) -> Actor:
    """Return the staff member who has changed the plan, or SYSTEM for a command."""
    if isinstance(user, User):
        return Actor(type="staff", id=user.pk, name=user.display_name, user_id=user.pk)
    return SYSTEM
