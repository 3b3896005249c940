"""The small chart of calls by day: its strokes, its sum and its words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tokens.pages.sparkline import Sparkline, shortened

FIRST = date(2026, 10, 30)


def chart(*calls: int) -> Sparkline:
    return Sparkline({FIRST + timedelta(days=number): count for number, count in enumerate(calls)})


def test_the_busiest_day_is_as_high_as_the_chart_and_a_day_without_calls_has_no_stroke():
    assert chart(50, 0, 100).path == "M0.5 20v-10M4.5 20v-20"


def test_a_single_call_is_visible_beside_a_million():
    assert chart(1, 1_000_000).path.startswith("M0.5 20v-2M")


def test_it_says_the_sum_the_busiest_day_and_the_last_one():
    assert chart(0, 1200, 40, 0).text == (
        "1,240 calls in 4 days, at most 1,200 on 31 Oct 2026, last on 1 Nov 2026"
    )
    assert chart(0, 1).text == "1 call in 2 days, at most 1 on 31 Oct 2026, last on 31 Oct 2026"


def test_without_calls_it_has_no_stroke_and_says_so():
    assert (chart(0, 0).path, chart(0, 0).text) == ("", "No calls in 2 days")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (99_999, "99.9k"),
        (123_456, "123k"),
        (999_999, "999k"),
        (1_250_000, "1.2M"),
        (12_345_678_901, "12.3B"),
    ],
)
def test_large_sums_are_short_and_never_rounded_up(number, text):
    assert shortened(number) == text
