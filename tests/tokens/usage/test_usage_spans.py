"""The spans of the usage page: today's hours, days up to today, and twelve months."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tokens.usage.spans import DAY, DAYS, DEFAULT, HOUR, MONTH, TODAY, YEAR, chosen, periods

DATE = date(2028, 2, 29)


@pytest.mark.parametrize(
    ("query", "span"),
    [
        ({}, DEFAULT),
        ({"by": "hour"}, TODAY),
        ({"by": "hour", "days": "7"}, TODAY),
        ({"by": "month"}, YEAR),
        ({"by": "day"}, DEFAULT),
        ({"by": "day", "days": "90"}, DAYS[2]),
        ({"days": "7"}, DAYS[0]),
        ({"days": "8"}, DEFAULT),
        ({"by": "week", "days": "7"}, DEFAULT),
    ],
)
def test_an_address_selects_a_span_or_else_thirty_days(query: dict[str, str], span: object) -> None:
    assert chosen(query) == span


def test_every_span_is_selected_by_its_own_query() -> None:
    for span in (TODAY, *DAYS, YEAR):
        assert chosen(dict(part.split("=") for part in span.query.split("&"))) == span


def test_a_span_ends_today() -> None:
    assert TODAY.first(DATE) == DATE
    assert [span.first(DATE) for span in DAYS] == [
        date(2028, 2, 23),
        date(2028, 1, 31),
        date(2027, 12, 2),
    ]
    assert YEAR.first(DATE) == date(2027, 3, 1)
    assert YEAR.first(date(2028, 12, 31)) == date(2028, 1, 1)


def test_a_span_has_all_its_periods() -> None:
    assert len(periods(HOUR, DATE, DATE)) == 24
    assert periods(HOUR, DATE, DATE)[-1] == datetime(2028, 2, 29, 23, tzinfo=UTC)
    assert [len(periods(DAY, span.first(DATE), DATE)) for span in DAYS] == [7, 30, 90]
    months = periods(MONTH, YEAR.first(DATE), DATE)
    assert [MONTH.exact(month) for month in (months[0], months[-1])] == ["2027-03", "2028-02"]
    assert len(months) == 12


def test_a_period_is_named_in_full_on_the_axis_and_in_files() -> None:
    hour = datetime(2028, 2, 29, 14, tzinfo=UTC)
    names = [(one.named(hour), one.tick(hour), one.exact(hour)) for one in (HOUR, DAY, MONTH)]
    assert names == [
        ("14:00", "14:00", "2028-02-29T14:00:00Z"),
        ("Tue 29 Feb 2028", "29 Feb", "2028-02-29"),
        ("February 2028", "Feb 2028", "2028-02"),
    ]
