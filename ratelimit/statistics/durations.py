"""Histogram of durations, and the percentiles that it gives."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

# The upper bounds of the buckets, in milliseconds. One more bucket has everything above.
BOUNDS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000)


def bucket_of(milliseconds: float) -> int:
    """Return the number of the bucket, from 0 to ``len(BOUNDS)``."""
    return bisect_left(BOUNDS, milliseconds)


def percentile(durations: Mapping[int, int], share: float) -> float | None:
    """Return the milliseconds that ``share`` (0 to 1) of the requests took at most; None without any.

    ``durations`` maps buckets to counts. Within a bucket the value is interpolated. Above the last bound it
    is that bound.
    """
    total = sum(durations.values())
    if not total:
        return None
    wanted, below = share * total, 0
    for bucket in sorted(durations):
        count = durations[bucket]
        if count and below + count >= wanted:
            if bucket >= len(BOUNDS):
                break
            lower = BOUNDS[bucket - 1] if bucket else 0
            return lower + (BOUNDS[bucket] - lower) * max(0.0, wanted - below) / count
        below += count
    return float(BOUNDS[-1])
