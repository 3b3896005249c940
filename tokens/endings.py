"""Tokens end with the membership they hang on, whichever way it is deleted, and with their person."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_delete

from accounts.models import Membership, User
from tokens.models import ServiceAccountToken
from tokens.revoking import lock_organizations, stop

REMOVED = "The member who answers for it was removed"
DEACTIVATED = "The person who answers for it was deactivated"


def connect() -> None:
    pre_delete.connect(membership_deleted, sender=Membership, dispatch_uid="tokens.membership_deleted")
    post_save.connect(user_saved, sender=User, dispatch_uid="tokens.user_saved")


@transaction.atomic
def membership_deleted(instance: Membership, **_: Any) -> None:
    """``instance.ended_by``, where a flow has set it, is the user who removed the member."""
    lock_organizations([instance.organization_id])
    ended_by = getattr(instance, "ended_by", None)
    stop(
        ServiceAccountToken.objects.filter(responsible_id=instance.pk),
        user_id=ended_by,
        reason=REMOVED,
    )


@transaction.atomic
def user_saved(instance: User, created: bool, **_: Any) -> None:
    if created or instance.is_active:
        return
    memberships = Membership.objects.filter(user=instance)
    lock_organizations(memberships.values_list("organization_id", flat=True))
    stop(
        ServiceAccountToken.objects.filter(responsible__in=memberships),
        user_id=None,
        reason=DEACTIVATED,
    )
