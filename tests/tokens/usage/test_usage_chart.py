"""The geometry of a chart of calls: in proportion, against the plan's line, never nothing for something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.usage.chart import FAR, HEIGHT, LEAST, Point, chart, rounded_up

NUMBER = st.integers(0, 10**7)
POINT = st.builds(
    Point,
    st.just("a name"),
    st.just("a tick"),
    st.fixed_dictionaries({"charged": NUMBER, "uncharged": NUMBER}),
    NUMBER,
)


def point(charged: int, uncharged: int = 0, refused: int = 0) -> Point:
    return Point("", "", {"charged": charged, "uncharged": uncharged}, refused)


@pytest.mark.parametrize(
    ("number", "top"), [(0, 2), (1, 2), (3, 4), (10, 10), (11, 12), (101, 120), (549, 600), (1_001, 1_200)]
)
def test_an_axis_ends_at_a_short_even_number(number: int, top: int) -> None:
    assert rounded_up(number) == top


@given(st.integers(1, 10**9))
def test_an_axis_holds_its_number_and_is_at_least_half_full(number: int) -> None:
    assert number <= rounded_up(number) <= 2 * number
    assert rounded_up(number) % 2 == 0


@given(st.lists(POINT, min_size=1, max_size=90), st.none() | NUMBER)
def test_nothing_leaves_the_drawing(points: list[Point], limit: int | None) -> None:
    found = chart(points, limit)
    assert found.points == points
    for bar in found.bars:
        blocks = [*bar.calls, *bar.refused]
        assert all(one.y >= -LEAST and one.y + one.height <= HEIGHT + 0.01 for one in blocks)
        assert all(one.height >= LEAST for one in blocks)
        assert [one.style for one in bar.calls] == [part for part, count in bar.point.parts.items() if count]
        assert len(bar.refused) == bool(bar.point.refused)
    assert found.limit_y is None or 0 <= found.limit_y <= HEIGHT


def test_bars_are_in_proportion_and_stacked_and_the_line_is_where_the_limit_is() -> None:
    found = chart([point(30, 20), point(100)], 80)
    assert [[(one.style, one.y, one.height) for one in bar.calls] for bar in found.bars] == [
        [("charged", 70.0, 30.0), ("uncharged", 50.0, 20.0)],
        [("charged", 0.0, 100.0)],
    ]
    assert (found.top, found.limit_y) == (100, 20.0)


def test_a_limit_that_is_not_reached_is_within_the_drawing() -> None:
    assert chart([point(100)], 500).limit_y == 0.0


def test_a_limit_that_lies_far_above_is_told_in_words() -> None:
    found = chart([point(100)], 100 * FAR + 1)
    assert (found.limit_y, found.limit_is_far, found.top) == (None, True, 100)


def test_the_latest_of_the_busiest_points_is_named() -> None:
    points = [Point(name, name, {"ok": calls}) for name, calls in (("Mon", 2), ("Tue", 2), ("Wed", 1))]
    found = chart(points)
    assert (found.busiest.name, found.ticks) == ("Tue", ["Mon", "Tue", "Wed"])
