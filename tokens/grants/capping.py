"""How many families of tokens one person or client may have: the ones unused for longest give way."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Max, QuerySet

from tokens.models import Grant


def beyond(families: QuerySet[Grant], most: int) -> list[UUID]:
    """The families beyond the ``most`` that were opened or refreshed last."""
    used = families.order_by().annotate(used_at=Max("refresh_tokens__created_at"))
    return list(used.order_by("-used_at", "-pk").values_list("pk", flat=True)[most:])
