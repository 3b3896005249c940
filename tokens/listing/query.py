"""The ids of the tokens that a list shows, in its order."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Func
from django.db.models.expressions import OrderBy
from django.db.models.functions import Extract, Lower

from accounts.permissions import picker
from ratelimit.usage import last_use
from tokens.listing.filters import Filters, Only
from tokens.models import TokenQuerySet
from tokens.service_accounts import search
from tokens.service_accounts.unused import UNUSED, unused

NEVER = float("-inf")


def chosen_ids(bucket: UUID, tokens: TokenQuerySet, filters: Filters, user: Any, now: datetime) -> list[UUID]:
    """Return the ids of all matching tokens: one query, another for broad ones, one round trip for last uses.

    ``user`` is the person that looks, whose own tokens they may ask for.
    """
    found = search.matching(search.with_status(tokens, filters.status, now), filters.query)
    if Only.MINE in filters.only:
        found = found.filter(created_by=user)
    if Only.NO_EXPIRY in filters.only:
        found = found.filter(expires_at=None)
    ids = (
        _by_use(bucket, found, filters, now) if _needs_last_uses(filters) else _by_column(found, filters.sort)
    )
    if Only.BROAD in filters.only:
        broad = _broad(found)
        return [pk for pk in ids if pk in broad]
    return ids


def _needs_last_uses(filters: Filters) -> bool:
    return Only.UNUSED in filters.only or _is_by_use(filters.sort)


def _is_by_use(sort: str) -> bool:
    return sort.removeprefix("-") == "used"


def _by_use(bucket: UUID, tokens: TokenQuerySet, filters: Filters, now: datetime) -> list[UUID]:
    """Filter or sort by the last use, which Redis has to the second."""
    recent = last_use.recent(bucket, now=now)
    found: TokenQuerySet = tokens.annotate(last_use=last_use.stored("organization_id", "pk"))
    if Only.UNUSED in filters.only:
        used = {pk for pk, at in recent.items() if at > now - UNUSED}
        found = found.filter(unused("last_use", now)).exclude(pk__in=used)
    if not _is_by_use(filters.sort):
        return _by_column(found, filters.sort)
    # Seconds since 1970 are read in a third of the time of dates.
    seconds = found.order_by("pk").values_list("pk", Extract("last_use", "epoch"))
    last_uses = {pk: NEVER if at is None else float(at) for pk, at in seconds}
    for pk in recent.keys() & last_uses.keys():
        last_uses[pk] = max(last_uses[pk], recent[pk].timestamp())
    return sorted(last_uses, key=last_uses.__getitem__, reverse=filters.sort.startswith("-"))


def _by_column(tokens: TokenQuerySet, sort: str) -> list[UUID]:
    columns: dict[str, Func | F] = {
        "name": Lower("name"),
        "created": F("created_at"),
        "expires": F("expires_at"),
    }
    descending = sort.startswith("-")
    order = OrderBy(columns[sort.removeprefix("-")], descending=descending, nulls_last=True)
    return list(tokens.order_by(order, "-pk" if descending else "pk").values_list("pk", flat=True))


def _broad(tokens: TokenQuerySet) -> set[UUID]:
    return {
        pk
        for pk, permissions in tokens.values_list("pk", "permissions")
        if any(map(picker.is_broad, permissions))
    }
