"""Geometry of a usage chart, on the usage page and in the admin. Templates scale its SVG to fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tokens.service_accounts.usage_report import Count, Figures

# A chart is HEIGHT high and STEP wide for each day. A count above 0 is at least LEAST high.
STEP, BAR, HEIGHT, LEAST = 10, 7, 100, 1.0
# Tenths of a power of ten that an axis may end at.
STEPS = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)
# A limit this many times above the busiest day would flatten all bars, and is shown as text.
FAR = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: position and heights of its bars. Uncharged calls are above the charged ones."""

    day: date
    count: Count
    left: int
    charged: float
    uncharged: float
    refused: float

    @property
    def x(self) -> float:
        return self.left + (STEP - BAR) / 2

    @property
    def width(self) -> int:
        return BAR

    @property
    def charged_y(self) -> float:
        return round(HEIGHT - self.charged, 2)

    @property
    def uncharged_y(self) -> float:
        return round(HEIGHT - self.charged - self.uncharged, 2)

    @property
    def refused_y(self) -> float:
        return round(HEIGHT - self.refused, 2)


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
    def dates(self) -> list[date]:
        """The labelled dates of the axis: first, middle and last."""
        return [self.bars[0].day, self.bars[len(self.bars) // 2].day, self.bars[-1].day]


def chart(figures: Figures, limit: int | None) -> Chart:
    most = max(count.calls for count in figures.days.values())
    is_far = limit is not None and limit > FAR * most
    drawn = None if limit is None or is_far else limit
    top = rounded_up(max(most, drawn or 0))
    refused_top = rounded_up(max(count.refused for count in figures.days.values()))
    bars = [
        Bar(
            day,
            count,
            number * STEP,
            charged=_height(count.charged, top),
            uncharged=_height(count.uncharged, top),
            refused=_height(count.refused, refused_top),
        )
        for number, (day, count) in enumerate(figures.days.items())
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


def _height(number: int, top: int) -> float:
    return max(LEAST, round(HEIGHT * number / top, 2)) if number else 0.0
