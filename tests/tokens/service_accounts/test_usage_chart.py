"""The geometry of a usage chart: in proportion, against the plan's line, and never nothing for something."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.service_accounts.usage_chart import FAR, HEIGHT, LEAST, chart, rounded_up
from tokens.service_accounts.usage_report import Count, Figures

FIRST = date(2030, 6, 1)
COUNT = st.builds(Count, calls=st.integers(0, 10**7), refused=st.integers(0, 10**7), charged=st.just(0))


def figures(counts: list[Count]) -> Figures:
    days = {FIRST + timedelta(days=number): count for number, count in enumerate(counts)}
    return Figures(FIRST, max(days), Count(), days, [], {})


@pytest.mark.parametrize(
    ("number", "top"), [(0, 2), (1, 2), (3, 4), (10, 10), (11, 12), (101, 120), (549, 600), (1_001, 1_200)]
)
def test_an_axis_ends_at_a_short_even_number(number: int, top: int) -> None:
    assert rounded_up(number) == top


@given(st.integers(1, 10**9))
def test_an_axis_holds_its_number_and_is_at_least_half_full(number: int) -> None:
    assert number <= rounded_up(number) <= 2 * number
    assert rounded_up(number) % 2 == 0


@given(st.lists(COUNT, min_size=1, max_size=90), st.none() | st.integers(0, 10**7))
def test_nothing_leaves_the_drawing(counts: list[Count], limit: int | None) -> None:
    found = chart(figures(counts), limit)
    for bar in found.bars:
        assert -LEAST <= bar.uncharged_y <= bar.charged_y <= HEIGHT
        assert 0 <= bar.refused_y <= HEIGHT
        assert bool(bar.count.refused) == (bar.refused >= LEAST)
        assert bool(bar.count.calls) == (bar.charged + bar.uncharged >= LEAST)
    assert found.limit_y is None or 0 <= found.limit_y <= HEIGHT


def test_bars_are_in_proportion_and_the_line_is_where_the_limit_is() -> None:
    found = chart(figures([Count(50, 0, 30), Count(100, 0, 100)]), 80)
    assert [(bar.charged, bar.uncharged) for bar in found.bars] == [(30.0, 20.0), (100.0, 0.0)]
    assert (found.top, found.limit_y) == (100, 20.0)


def test_a_limit_that_is_not_reached_is_within_the_drawing() -> None:
    assert chart(figures([Count(100, 0, 100)]), 500).limit_y == 0.0


def test_a_limit_that_lies_far_above_is_told_in_words() -> None:
    found = chart(figures([Count(100, 0, 100)]), 100 * FAR + 1)
    assert (found.limit_y, found.limit_is_far, found.top) == (None, True, 100)
