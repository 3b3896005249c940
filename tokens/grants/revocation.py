"""Revocation of grants."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organization
from tokens.models import Grant


@transaction.atomic
def revoke(grants: QuerySet[Grant], *, reason: str, now: datetime | None = None) -> int:
    """Revoke those of ``grants`` that are not revoked yet. Returns their number.

    Locks their organizations first. A repeated call confirms the organizations' generation to every process.
    """
    organizations = set(grants.values_list("organization_id", flat=True))
    Organization.objects.lock_all(organizations)
    chosen = Grant.objects.filter(pk__in=grants.filter(revoked_at=None).values("pk"), revoked_at=None)
    # Locked in the order of their ids to avoid deadlocks.
    for _ in chosen.order_by("pk").select_for_update(no_key=True).values_list("pk").iterator():
        pass
    revoked = chosen.update(revoked_at=now or timezone.now(), revoked_reason=reason[:100])
    if revoked:
        Organization.objects.advance(organizations)
    else:
        Organization.objects.confirm(organizations)
    return revoked
