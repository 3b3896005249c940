"""Usage and statistics of a token, as they are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from ratelimit.models import DailyStatistics, DailyUsage, HourlyUsage
from ratelimit.statistics.counts import Outcomes, Seen, hours_as_json, names_as_json
from ratelimit.statistics.durations import bucket_of
from tokens.models import ServiceAccountToken


def outcomes(durations_ms: Mapping[float, int], **counts: int) -> Outcomes:
    """Return outcomes. ``durations_ms`` maps durations to numbers of requests."""
    durations: defaultdict[int, int] = defaultdict(int)
    for milliseconds, number in durations_ms.items():
        durations[bucket_of(milliseconds)] += number
    return Outcomes(**counts, durations=durations)


def used(token: ServiceAccountToken, at: datetime, calls: int, refused: int = 0) -> None:
    """Store calls and refusals of the hour of ``at``, and add them to its day's."""
    bucket, subject = token.organization_id, token.pk
    hour = at.replace(minute=0, second=0, microsecond=0)
    HourlyUsage.objects.create(bucket=bucket, subject=subject, hour=hour, calls=calls, refused=refused)
    day, _ = DailyUsage.objects.get_or_create(bucket=bucket, subject=subject, day=at.astimezone(UTC).date())
    day.calls, day.refused, day.last_used_at = day.calls + calls, day.refused + refused, at
    day.save()


def did(
    token: ServiceAccountToken,
    at: datetime,
    hour: Outcomes | None = None,
    **names: Mapping[str, int],
) -> None:
    """Store statistics of the day of ``at``: of its hour, and calls by ``permissions=`` and so on.

    Everything was seen at ``at``.
    """
    seen = {
        key: {name: Seen(count, at, at) for name, count in counts.items()} for key, counts in names.items()
    }
    DailyStatistics.objects.create(
        bucket=token.organization_id,
        subject=token.pk,
        day=at.astimezone(UTC).date(),
        epoch=at.isoformat()[:32],
        hours=hours_as_json({at.hour: hour} if hour else {}),
        **{dimension: names_as_json(one) for dimension, one in seen.items()},
    )
