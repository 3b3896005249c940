"""Telling every worker that something was taken away: each bucket's generation in the store.

A change counts the generation up in SQL under the bucket's lock, marks it as under way, and publishes it
after its commit. A worker trusts what it remembers only under the published generation with no mark above.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from django.db import transaction

from ratelimit.conf import settings
from ratelimit.store import client

# How long a transaction may take at most. A mark outlives it and what was remembered before it.
TRANSACTION_SECONDS = 60


def begin(generations: Mapping[UUID, int]) -> None:
    """Mark what is about to be committed, and publish it afterwards; call it in the transaction.

    The publishing raises StoreUnavailable after the commit: the change stands, but is not yet confirmed.
    """
    if not settings.REDIS_URL:
        return
    holds = (settings.CREDENTIAL_MEMORY_SECONDS + TRANSACTION_SECONDS) * 1000
    for bucket, generation in generations.items():
        try:
            client.fence([_key(bucket)], ["mark", generation, holds])
        except client.StoreUnavailable:
            # The publishing decides: where that gets through, no mark was needed.
            continue
    transaction.on_commit(partial(_publish, dict(generations)))


def republish(generations: Mapping[UUID, int]) -> None:
    """Publish again what was committed before, for a caller whose first confirmation got lost."""
    if settings.REDIS_URL:
        transaction.on_commit(partial(_publish, dict(generations)))


def _publish(generations: Mapping[UUID, int]) -> None:
    lost = None
    for bucket, generation in generations.items():
        try:
            client.fence([_key(bucket)], ["publish", generation, 0])
        except client.StoreUnavailable as problem:
            # The others' keys may be on a server that answers.
            lost = problem
    if lost:
        raise lost


def _key(bucket: UUID) -> str:
    return f"tsr:{{{bucket.hex}}}:meter"
