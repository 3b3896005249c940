"""Limit of active grants per person or client: those unused for longest are revoked."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Max, QuerySet

from tokens.models import Grant


def beyond(grants: QuerySet[Grant], most: int) -> list[UUID]:
    """Return the ids of the grants beyond the ``most`` that were opened or refreshed last."""
    used = grants.order_by().annotate(used_at=Max("refresh_tokens__created_at"))
    return list(used.order_by("-used_at", "-pk").values_list("pk", flat=True)[most:])
