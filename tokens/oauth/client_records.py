"""Queries for an organization's OAuth clients with all that the API and the pages show."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from tokens.models import ClientSecret, OAuthClient


def of_organization(
    organization_id: UUID, *, deleted: bool = False, now: datetime | None = None
) -> QuerySet[OAuthClient]:
    """Return the active clients, or all, with creator, parent and valid secrets, newest secret first."""
    now = now or timezone.now()
    valid = (Q(valid_until=None) | Q(valid_until__gt=now)) & (Q(expires_at=None) | Q(expires_at__gt=now))
    secrets = Prefetch("secrets", ClientSecret.objects.filter(valid).order_by("-pk"))
    found = OAuthClient.objects.filter(organization=organization_id)
    found = found if deleted else found.filter(deleted_at=None)
    return found.select_related("created_by", "parent", "parent_client").prefetch_related(secrets)
