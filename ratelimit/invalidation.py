"""Invalidation of every worker's credential cache, by a generation number of each bucket in Redis.

A change increments the generation in SQL under the bucket's lock, marks the new one as pending in Redis, and
publishes it after its commit. A worker uses a cached credential only if its generation is the published one
and no higher one is pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from django.db import transaction

from ratelimit.conf import settings
from ratelimit.store import client

# The longest transaction. A pending mark outlives it, and every cache entry from before it.
TRANSACTION_SECONDS = 60


def begin(generations: Mapping[UUID, int]) -> None:
    """Mark these generations as pending, and publish them after the commit of the current transaction.

    Raises StoreUnavailable after the commit if publishing fails: the change is made, but not yet confirmed.
    """
    if not settings.REDIS_URL:
        return
    holds = (settings.CREDENTIAL_MEMORY_SECONDS + TRANSACTION_SECONDS) * 1000
    for bucket, generation in generations.items():
        try:
            client.fence([_key(bucket)], ["mark", generation, holds])
        except client.StoreUnavailable:
            # Publishing raises if it fails too, and needs no mark if it succeeds.
            continue
    transaction.on_commit(partial(_publish, dict(generations)))


def republish(generations: Mapping[UUID, int]) -> None:
    """Publish committed generations again after the commit, for a caller that repeats a change."""
    if settings.REDIS_URL:
        transaction.on_commit(partial(_publish, dict(generations)))


def _publish(generations: Mapping[UUID, int]) -> None:
    lost = None
    for bucket, generation in generations.items():
        try:
            client.fence([_key(bucket)], ["publish", generation, 0])
        except client.StoreUnavailable as problem:
            # Other buckets may be on a server that is available.
            lost = problem
    if lost:
        raise lost


def _key(bucket: UUID) -> str:
    return f"tsr:{{{bucket.hex}}}:meter"
