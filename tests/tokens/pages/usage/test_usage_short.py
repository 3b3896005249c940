"""Settings → Usage stays short: the busiest by name, the others together, idle days in one row."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership
from tests.support.people import browser_of, make_token
from tests.tokens.pages.usage.test_usage_page import lines, page, table, used
from tests.tokens.service_accounts.many import make_many
from tokens.models import ServiceAccountToken
from tokens.pages.usage.summary import MOST_CALLERS, MOST_PERIODS, Periods, latest_first
from tokens.usage.report import Count, Figures
from tokens.usage.spans import DAY

URL = "/settings/usage/"
FIRST = date(2026, 10, 28)


def many(owner: Membership, number: int, revoked: int = 0) -> list[ServiceAccountToken]:
    """Tokens, of which the first are revoked, with 1, 2, 3 … calls."""
    name = f"batch {ServiceAccountToken.objects.count()}"
    make_many(owner, number, name=name)
    made = list(ServiceAccountToken.objects.filter(name__startswith=f"{name} ").order_by("name"))
    for calls, token in enumerate(made, start=1):
        used(owner, token.pk, 1, calls)
    ServiceAccountToken.objects.filter(pk__in=[one.pk for one in made[:revoked]]).update(
        revoked_at=timezone.now()
    )
    return made


def figures_of(*calls: int) -> Figures:
    counts = {FIRST + timedelta(days=number): Count(calls=one) for number, one in enumerate(calls)}
    return Figures(DAY, FIRST, max(counts), Count(), counts, [], {}, {})


def test_the_ten_busiest_are_named_and_the_others_are_one_row(owner: Membership) -> None:
    made = many(owner, MOST_CALLERS + 3)
    rows = table(page(owner), "by-caller")

    assert [row[1] for row in rows[:-1]] == [str(calls) for calls in range(13, 3, -1)]
    assert rows[0][0] == f"{made[-1].name} API token"
    assert rows[-1] == ["Others 3 tokens and clients", "6", "0"]


def test_people_have_a_row_of_their_own_however_little_they_call(owner: Membership) -> None:
    many(owner, MOST_CALLERS + 2)
    used(owner, typeid.new(), 1, 1)
    rows = table(page(owner), "by-caller")

    assert [row[0] for row in rows[MOST_CALLERS:]] == [
        "People’s sessions not charged to the plan",
        "Others 2 tokens and clients",
    ]


def test_revoked_tokens_are_one_row(owner: Membership) -> None:
    many(owner, 5, revoked=3)
    rows = table(page(owner), "by-caller")

    assert [row[1] for row in rows] == ["5", "4", "6"]
    assert rows[-1][0] == "Revoked and deleted 3 tokens and clients"


@pytest.mark.parametrize("number", [3, 300])
def test_all_of_them_are_on_pages_of_their_own_and_in_the_file(owner: Membership, number: int) -> None:
    made = many(owner, number, revoked=2)
    html = page(owner)
    assert f'href="{URL}callers/?by=day&amp;days=30"' in html

    found: list[str] = []
    for one in range(-(-number // 50)):
        rows = table(page(owner, f"{URL}callers/?days=30&page={one + 1}"), "by-caller")
        assert len(rows) <= 50
        found += [row[0] for row in rows]
    ends = [" API token, revoked"] * 2 + [" API token"] * (number - 2)
    assert found == [token.name + end for token, end in zip(made, ends, strict=True)][::-1]
    assert {row["name"] for row in lines(owner)} == {token.name for token in made}


@pytest.mark.parametrize("path", [URL, f"{URL}callers/", f"{URL}periods/"])
def test_a_page_costs_and_shows_the_same_for_thirty_tokens_and_for_three_hundred(
    owner: Membership, path: str
) -> None:
    browser = browser_of(owner.user)
    browser.get(path)

    def seen() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            html = browser.get(path).content.decode()
        return len(asked), html.count("<tr>")

    many(owner, 60, revoked=30)
    few = seen()
    many(owner, 240, revoked=100)
    assert seen() == few


def test_days_without_calls_are_one_row(owner: Membership) -> None:
    assert [
        (row.count.calls if row.count else row.in_words)
        for row in latest_first(figures_of(1, 0, 0, 0, 0, 0, 2, 0))
    ] == [
        "No calls on 4 Nov 2026",
        2,
        "No calls from 29 Oct to 2 Nov 2026",
        1,
    ]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2026, 11, 3), date(2026, 11, 9), "No calls from 3 to 9 Nov 2026"),
        (date(2026, 12, 30), date(2027, 1, 2), "No calls from 30 Dec 2026 to 2 Jan 2027"),
        (date(2026, 11, 3), date(2026, 11, 3), "No calls on 3 Nov 2026"),
    ],
)
def test_consecutive_days_read_as_people_say_them(first: date, last: date, words: str) -> None:
    assert Periods(DAY, first, last, None).in_words == words


def test_a_day_with_refusals_alone_is_shown() -> None:
    found = figures_of(0, 0)
    found.counts[FIRST].refused = 3
    assert [row.count for row in latest_first(found)] == [None, found.counts[FIRST]]


def test_the_latest_days_are_shown_and_all_of_them_on_pages_of_their_own(owner: Membership) -> None:
    token = make_token(owner).token
    for back in range(60):
        used(owner, token.pk, back, back + 1)
    html = page(owner, f"{URL}?days=90")

    assert [row[1] for row in table(html, "by-period")] == [str(number + 1) for number in range(MOST_PERIODS)]
    assert f'href="{URL}periods/?by=day&amp;days=90"' in html
    rows = [
        row
        for number in (1, 2)
        for row in table(page(owner, f"{URL}periods/?days=90&page={number}"), "by-period")
    ]
    assert len(rows) == 61
    assert rows[-1][0].startswith("No calls from ")


def test_little_use_needs_no_second_page(owner: Membership) -> None:
    many(owner, 2)
    assert "Show all" not in page(owner)
