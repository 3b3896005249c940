"""An organization's OAuth clients with everything that is told about them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from tokens.models import ClientSecret, OAuthClient


def of_organization(
    organization_id: UUID, *, deleted: bool = False, now: datetime | None = None
) -> QuerySet[OAuthClient]:
    """Those that live, or all; each with its maker, and with the secrets that are good, newest first."""
    now = now or timezone.now()
    good = (Q(valid_until=None) | Q(valid_until__gt=now)) & (Q(expires_at=None) | Q(expires_at__gt=now))
    secrets = Prefetch("secrets", ClientSecret.objects.filter(good).order_by("-pk"))
    found = OAuthClient.objects.filter(organization=organization_id)
    found = found if deleted else found.filter(deleted_at=None)
    return found.select_related("created_by", "parent", "parent_client").prefetch_related(secrets)
