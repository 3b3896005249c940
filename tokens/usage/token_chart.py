"""The points of a token's chart: its calls by outcome, and its refusals."""

from __future__ import annotations

from datetime import datetime

from tokens.usage.chart import Point
from tokens.usage.token_usage import Period, TokenUsage


def points(usage: TokenUsage, by: str) -> list[Point]:
    """Return one point for each period; ``by`` is ``day`` or ``hour``.

    All calls that are not known to have failed are the first part, so that a bar is as high as the exact
    number of calls.
    """
    return [_point(period, by) for period in usage.series]


def _point(period: Period, by: str) -> Point:
    invalid = min(period.outcomes.client_errors, period.calls)
    failed = min(period.outcomes.failed, period.calls - invalid)
    return Point(
        _name(period.at, by),
        _tick(period.at, by),
        {"charged": period.calls - invalid - failed, "invalid": invalid, "failed": failed},
        period.refused,
        f", {invalid} client errors, {failed} server errors" if invalid or failed else "",
    )


def _name(at: datetime, by: str) -> str:
    day = f"{at:%a} {at.day} {at:%b %Y}"
    return day if by == "day" else f"{day}, {at:%H:%M} UTC"


def _tick(at: datetime, by: str) -> str:
    day = f"{at.day} {at:%b}"
    return day if by == "day" else f"{day} {at:%H:%M}"
