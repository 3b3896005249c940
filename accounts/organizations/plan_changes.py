"""Signal receivers that apply a changed plan immediately to every organization that has it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver

from accounts.audit import log
from accounts.audit.log import Target
from accounts.models import Organization, User
from accounts.permissions.actor import SYSTEM, Actor
from ratelimit.models import Plan

FIELDS = ("name", "requests_per_day", "burst_per_minute")
BEFORE = "_values_before"


@receiver(pre_save, sender=Plan, dispatch_uid="accounts.plan_saving")
def plan_saving(instance: Plan, **_: Any) -> None:
    """Keep the stored values, for the audit events of the change.

    The row's lock keeps organizations from moving to the plan before the commit: they would miss it.
    """
    stored = Plan.objects.select_for_update().filter(pk=instance.pk)
    setattr(instance, BEFORE, stored.values(*FIELDS).first())


@receiver(post_save, sender=Plan, dispatch_uid="accounts.plan_saved")
@transaction.atomic
@log.batched()
def plan_saved(instance: Plan, created: bool, **_: Any) -> None:
    if created:
        return
    organizations = list(instance.organizations.values_list("pk", flat=True))
    Organization.objects.lock_all(organizations)
    Organization.objects.advance(organizations)
    after = {name: getattr(instance, name) for name in FIELDS}
    changed = log.difference(getattr(instance, BEFORE, None) or after, after)
    if not changed:
        return
    actor = _editor(instance)
    for pk in organizations:
        log.record(
            organization_id=pk,
            action="organization.plan_changed",
            actor=actor,
            target=Target("plan", instance.slug, instance.name),
            changes=changed,
        )


def _editor(plan: Plan) -> Actor:
    """Return the staff member who has changed the plan, or SYSTEM for a command."""
    if isinstance(plan.edited_by, User):
        user = plan.edited_by
        return Actor(type="staff", id=user.pk, name=user.display_name, user_id=user.pk)
    return SYSTEM
