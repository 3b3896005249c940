"""The forecast of when the plan is used up, from the calls of the last full hour and of the present one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tokens.usage.forecast import Forecast, forecast


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2030-06-15T{text}:00").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "calls", "used", "limit", "per_hour", "since", "used_up_at"),
    [
        # The last full hour and half of the present one.
        ("14:30", {13: 100, 14: 50}, 900, 1_000, 100, "13:00", "15:30"),
        # Earlier hours do not matter.
        ("14:30", {9: 10_000, 13: 100, 14: 50}, 900, 1_000, 100, "13:00", "15:30"),
        # A pause in the present hour lowers the rate.
        ("14:30", {13: 150}, 900, 1_000, 100, "13:00", "15:30"),
        # At the beginning of an hour the last full one counts.
        ("14:00", {13: 60}, 940, 1_000, 60, "13:00", "15:00"),
        # After midnight there is no hour before.
        ("00:30", {0: 100}, 100, 1_000, 200, "00:00", "05:00"),
        # A limit that is reached at midnight or later lasts the day.
        ("23:00", {22: 100}, 900, 1_000, 100, "22:00", None),
        ("14:30", {13: 100, 14: 50}, 100, 1_000_000, 100, "13:00", None),
    ],
)
def test_the_rate_goes_on_until_the_limit(
    now: str, calls: dict[int, int], used: int, limit: int, per_hour: int, since: str, used_up_at: str | None
) -> None:
    hours = [(at(f"{hour:02}:00"), count) for hour, count in calls.items()]
    expected = Forecast(per_hour, at(since), at(used_up_at) if used_up_at else None)
    assert forecast(used, limit, hours, at(now)) == expected


@pytest.mark.parametrize(
    ("now", "calls", "used", "limit"),
    [
        ("14:30", 100, 900, None),
        ("14:30", 100, 1_000, 1_000),
        ("14:30", 100, 0, 0),
        ("14:30", 19, 900, 1_000),
        ("00:14", 100, 100, 1_000),
    ],
    ids=["unlimited", "used up", "no calls allowed", "few calls", "just after midnight"],
)
def test_without_a_rate_or_a_limit_ahead_there_is_no_forecast(
    now: str, calls: int, used: int, limit: int | None
) -> None:
    assert forecast(used, limit, [(at(f"{now[:2]}:00"), calls)], at(now)) is None


def test_the_hour_is_the_one_in_utc() -> None:
    now = datetime.fromisoformat("2030-06-15T20:00:00+05:30")
    found = forecast(900, 1_000, [(at("13:00"), 50), (at("14:00"), 50)], now)
    assert found is not None
    assert found.since == at("13:00")
