"""A plan's new numbers hold at once: every organization on it is told, whoever has saved the plan."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import Organization
from ratelimit.models import Plan


@receiver(post_save, sender=Plan, dispatch_uid="accounts.plan_saved")
@transaction.atomic
def plan_saved(instance: Plan, created: bool, **_: Any) -> None:
    if created:
        return
    organizations = list(instance.organizations.values_list("pk", flat=True))
    Organization.objects.lock_all(organizations)
    Organization.objects.advance(organizations)
