"""Moments in words, rounded as people count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.dates import duration, relative

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=30, seconds=-1), "in 30 days"),
        (timedelta(days=7, milliseconds=-1), "in 7 days"),
        (timedelta(days=6, hours=13), "in 7 days"),
        (timedelta(days=6, hours=11), "in 6 days"),
        (timedelta(days=1, seconds=-1), "in 1 day"),
        (timedelta(hours=1, seconds=-1), "in 1 hour"),
        (timedelta(hours=23, minutes=20), "in 23 hours"),
        (timedelta(minutes=10, seconds=-1), "in 10 minutes"),
        (timedelta(seconds=59), "in less than a minute"),
        (timedelta(days=90, seconds=-1), "in 90 days"),
        (timedelta(days=180, seconds=-1), "in 6 months"),
        (timedelta(days=365, seconds=-1), "in 12 months"),
        (timedelta(days=366), "in 1 year"),
    ],
)
def test_what_is_ahead_is_rounded(ahead: timedelta, words: str) -> None:
    assert relative(NOW + ahead, NOW) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1, seconds=59), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=400), "1 year ago"),
    ],
)
def test_what_is_past_counts_whole_units(ago: timedelta, words: str) -> None:
    assert relative(NOW - ago, NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (90, "90 seconds"), (1800, "30 minutes"), (3600, "1 hour"), (604_800, "7 days")],
)
def test_a_duration_is_a_whole_number_of_its_largest_unit(seconds: int, words: str) -> None:
    assert duration(seconds) == words
