"""Revocation of tokens that were unused for as long as the organization's policy allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.audit import log
from accounts.models import Organization
from accounts.permissions.actor import SYSTEM
from ratelimit.store import usage_counters
from ratelimit.usage import reports
from tokens.models import ServiceAccountToken
from tokens.notifications import token_unused
from tokens.service_accounts.revoke import stop

# Tokens of one organization that are revoked in one transaction.
BATCH = 100


def revoke_unused(now: datetime | None = None) -> int:
    """Revoke announced tokens that are still unused; return their number. Run it periodically.

    Raises StoreUnavailable, and revokes nothing further, if Redis cannot tell the last uses.
    """
    now = now or timezone.now()
    return sum(_revoke(organization_id, now) for organization_id in token_unused.organizations_due(now))


@transaction.atomic
@log.batched()
def _revoke(organization_id: UUID, now: datetime) -> int:
    """Revoke one batch of an organization's tokens.

    A use that was counted before the usage is read here, under the organization's lock, keeps its token. A
    request counted after that and before the commit is still answered, and the token is revoked.
    """
    try:
        organization = Organization.objects.locked(organization_id)
    except Organization.DoesNotExist:
        return 0
    days = organization.unused_tokens_revoked_after_days
    if days is None or organization.suspended_at is not None:
        return 0
    announced = token_unused.due(organization_id, now)
    tokens = list(token_unused.running(organization_id, now).filter(pk__in=announced).order_by("pk"))
    used = reports.last_uses(organization_id, now=now, read=usage_counters.read)
    # An announcement is younger than the shortest policy: no token used since is among these.
    latest = now - timedelta(days=days)
    unused = [one.pk for one in tokens if one.unused_since(used.get(one.pk)) <= latest]
    chosen = ServiceAccountToken.objects.filter(pk__in=unused[:BATCH])
    return stop(chosen, actor=SYSTEM, reason=f"Unused for {days} days", now=now)
