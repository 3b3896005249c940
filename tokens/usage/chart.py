"""Geometry of a chart of calls, on the pages and in the admin. Templates scale its SVG to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# A chart is HEIGHT high and STEP wide for each point. A count above 0 is at least LEAST high.
STEP, BAR, HEIGHT, LEAST = 10, 7, 100, 1.0
# Tenths of a power of ten that an axis may end at.
STEPS = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)
# A limit this many times above the busiest point would flatten all bars, and is shown as text.
FAR = 8


@dataclass(frozen=True, slots=True)
class Point:
    """The numbers of one hour, day or month, with its name in full and on the axis.

    ``parts`` are the calls by CSS class, stacked in this order, the first at the bottom. ``detail`` ends the
    point's text.
    """

    name: str
    tick: str
    parts: Mapping[str, int]
    refused: int = 0
    detail: str = ""

    @property
    def calls(self) -> int:
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of a bar: its CSS class, its upper edge and its height."""

    style: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One point: position and blocks of its bars."""

    point: Point
    left: int
    calls: list[Block]
    refused: list[Block]

    @property
    def x(self) -> float:
        return self.left + (STEP - BAR) / 2

    @property
    def width(self) -> int:
        return BAR


@dataclass(frozen=True, slots=True)
class Chart:
    """``limit_y`` is the position of the plan's limit; None without one, or if it is far above."""

    bars: list[Bar]
    top: int
    refused_top: int
    limit_y: float | None
    limit_is_far: bool

    @property
    def width(self) -> int:
        return STEP * len(self.bars)

    @property
    def middle(self) -> int:
        return self.top // 2

    @property
    def points(self) -> list[Point]:
        return [bar.point for bar in self.bars]

    @property
    def ticks(self) -> list[str]:
        """The labels of the axis: first, middle and last."""
        return [self.bars[number].point.tick for number in (0, len(self.bars) // 2, -1)]

    @property
    def calls(self) -> int:
        return sum(point.calls for point in self.points)

    @property
    def refused(self) -> int:
        return sum(point.refused for point in self.points)

    @property
    def busiest(self) -> Point:
        """The point with the most calls, the latest of several."""
        return max(reversed(self.points), key=lambda point: point.calls)


def chart(points: Sequence[Point], limit: int | None = None) -> Chart:
    """Draw at least one point. ``limit`` is the most calls that the plan allows in each."""
    most = max(point.calls for point in points)
    is_far = limit is not None and limit > FAR * most
    drawn = None if limit is None or is_far else limit
    top = rounded_up(max(most, drawn or 0))
    refused_top = rounded_up(max(point.refused for point in points))
    bars = [
        Bar(
            point,
            number * STEP,
            calls=_stacked(point.parts, top),
            refused=_stacked({"refused": point.refused}, refused_top),
        )
        for number, point in enumerate(points)
    ]
    limit_y = None if drawn is None else round(HEIGHT - HEIGHT * drawn / top, 2)
    return Chart(bars, top, refused_top, limit_y, is_far)


def rounded_up(number: int) -> int:
    """Round up to a short even number, so that the labels of the axis are short."""
    power = 1
    while number > 10 * power:
        power *= 10
    tops = (step * power // 10 for step in STEPS if step * power % 20 == 0)
    return next(top for top in tops if top >= number)


def _stacked(parts: Mapping[str, int], top: int) -> list[Block]:
    blocks, y = [], float(HEIGHT)
    for style, number in parts.items():
        if number:
            height = max(LEAST, round(HEIGHT * number / top, 2))
            y = round(y - height, 2)
            blocks.append(Block(style, y, height))
    return blocks
