"""Settings → Usage of today, of days and of months: page, API and file show the same calls."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from ratelimit.models import DailyStatistics, DailyUsage, HourlyUsage, Reservation
from ratelimit.statistics.observations import gatherer
from ratelimit.statistics.sync import StatisticsSync
from ratelimit.usage import refused_uses
from ratelimit.usage.sync import Sync
from tests.support.clients import program
from tests.support.people import browser_of, make_plan, make_token
from tests.support.sessions import session_of
from tests.tokens.pages.usage.test_usage_page import CSV, HOSTILE, URL, lines, page, table
from tests.tokens.pages.usage.test_usage_short import many
from tokens.service_accounts.issue import Issued

SPANS = ["by=hour", "by=day&days=7", "by=month"]
AFTERNOON = datetime(2030, 6, 15, 14, 30, tzinfo=UTC)


def in_hour(owner: Membership, subject: UUID, hour: int, calls: int, refused: int = 0) -> None:
    HourlyUsage.objects.create(
        bucket=owner.organization_id,
        subject=subject,
        hour=AFTERNOON.replace(hour=hour, minute=0),
        calls=calls,
        refused=refused,
    )


def on_day(owner: Membership, subject: UUID, day: str, calls: int) -> None:
    DailyUsage.objects.create(bucket=owner.organization_id, subject=subject, day=day, calls=calls)


def limit(owner: Membership, requests_per_day: int | None) -> None:
    owner.organization.requests_per_day = requests_per_day
    owner.organization.save()


def together(html: str) -> list[int]:
    """The sums of calls and refusals over the rows by period, and over those by caller."""
    rows = [row for name in ("by-period", "by-caller") for row in table(html, name) if len(row) == 3]
    by_period = [row for row in table(html, "by-period") if len(row) == 3]
    by_caller = rows[len(by_period) :]
    return [
        sum(int(row[column].replace(",", "")) for row in part)
        for part in (by_period, by_caller)
        for column in (1, 2)
    ]


@pytest.mark.parametrize("drained", [False, True])
def test_page_api_and_file_show_the_same_real_calls(owner: Membership, issued: Issued, drained: bool) -> None:
    limit(owner, 4)
    answers = [program(issued).get("/api/auth/whoami").status_code for _ in range(6)]
    assert answers == [200] * 4 + [429] * 2
    body = session_of(owner).get("/api/v1/usage").json()
    assert (body["calls"], body["refused"], body["people"]["calls"]) == (5, 2, 1)
    gatherer.flush()
    if drained:
        Sync()()
        StatisticsSync()()
    reason = "Over the plan’s daily limit" if drained else "Over a limit that was not recorded"
    for query in SPANS:
        html = page(owner, f"{URL}?{query}")
        assert together(html) == [5, 2, 5, 2]
        assert table(html, "by-reason") == [[reason, "about 2"]]
        rows = lines(owner, f"{CSV}?{query}")
        assert [sum(int(row[column]) for row in rows) for column in ("calls", "refused")] == [5, 2]
        assert {row["id"] for row in rows} == {issued.token.public_id, ""}


@time_machine.travel(AFTERNOON, tick=False)
def test_today_has_its_hours_up_to_now(owner: Membership) -> None:
    token = make_token(owner).token
    in_hour(owner, token.pk, 3, 40, refused=2)
    in_hour(owner, token.pk, 13, 10)
    html = page(owner, f"{URL}?by=hour")
    assert table(html, "by-period") == [
        ["No calls from 14:00 to 15:00"],
        ["13:00", "10", "0"],
        ["No calls from 04:00 to 13:00"],
        ["03:00", "40", "2"],
        ["No calls from 00:00 to 03:00"],
    ]
    assert "00:00 to 23:00: 50 calls, at most 40 (03:00); 2 refused." in html
    assert [(row["hour"], row["calls"]) for row in lines(owner, f"{CSV}?by=hour")] == [
        ("2030-06-15T03:00:00Z", "40"),
        ("2030-06-15T13:00:00Z", "10"),
    ]


@time_machine.travel(AFTERNOON, tick=False)
def test_twelve_months_are_sums_of_their_days(owner: Membership) -> None:
    token = make_token(owner, HOSTILE).token
    for day, calls in (("2029-06-30", 9_999), ("2029-07-01", 1), ("2030-06-01", 20), ("2030-06-15", 1_000)):
        on_day(owner, token.pk, day, calls)
    html = page(owner, f"{URL}?by=month")
    assert table(html, "by-period") == [
        ["June 2030", "1,020", "0"],
        ["No calls from August 2029 to May 2030"],
        ["July 2029", "1", "0"],
    ]
    assert HOSTILE not in html
    rows = lines(owner, f"{CSV}?by=month")
    assert [(row["month"], row["name"], row["calls"]) for row in rows] == [
        ("2029-07", HOSTILE, "1"),
        ("2030-06", HOSTILE, "1020"),
    ]


@pytest.mark.parametrize("query", SPANS)
def test_links_and_file_keep_the_span(owner: Membership, query: str) -> None:
    many(owner, 12)
    for token in owner.organization.tokens.all():
        HourlyUsage.objects.create(
            bucket=owner.organization_id,
            subject=token.pk,
            hour=timezone.now().replace(minute=0, second=0, microsecond=0),
            calls=1,
        )
    html = page(owner, f"{URL}?{query}")
    kept = query.replace("&", "&amp;")
    assert f'href="?{kept}" aria-current="page"' in html
    assert f'href="{CSV}?{kept}"' in html
    assert f'href="{URL}callers/?{kept}"' in html
    assert len(table(page(owner, f"{URL}callers/?{query}"), "by-caller")) == 12
    name = browser_of(owner.user).get(f"{CSV}?{query}")["Content-Disposition"]
    assert f"-by-{query.split('=')[1].split('&', maxsplit=1)[0]}-" in name


@time_machine.travel(AFTERNOON, tick=False)
@pytest.mark.parametrize(
    ("per_day", "calls", "words"),
    [
        (1_000, 100, "At this rate the plan is used up at 16:00 UTC."),
        (100_000, 100, "At this rate the plan lasts the day."),
        (1_000, 3, None),
        (None, 100, None),
    ],
)
def test_a_limited_plan_has_a_forecast(
    owner: Membership, per_day: int | None, calls: int, words: str | None
) -> None:
    owner.organization.plan = make_plan("own", per_day)
    owner.organization.save()
    token = make_token(owner).token
    in_hour(owner, token.pk, 13, calls)
    on_day(owner, token.pk, "2030-06-15", calls)
    Reservation.objects.create(bucket=owner.organization_id, day=AFTERNOON.date(), reserved=900)
    html = page(owner, f"{URL}?by=month")
    found = re.search(r"At this rate the plan .*?[.;]", re.sub(r"<[^>]+>", "", html))
    assert (found and found[0]) == words


def test_refusals_are_listed_by_reason_also_without_any_call(owner: Membership) -> None:
    token = make_token(owner).token
    now = timezone.now()
    at = round(now.timestamp() * 1000)
    DailyStatistics.objects.create(
        bucket=owner.organization_id,
        subject=token.pk,
        day=now.date(),
        refusals={"permission": [1_200, at, at]},
    )
    refused_uses.count(owner.organization_id, token.pk, None, "address")
    for query in SPANS:
        assert table(page(owner, f"{URL}?{query}"), "by-reason") == [
            ["Without the permission (403)", "about 1,200"],
            ["Address was not allowed", "1"],
        ]


@pytest.mark.parametrize("query", SPANS)
def test_a_span_costs_and_shows_the_same_for_thirty_tokens_and_for_three_hundred(
    owner: Membership, query: str
) -> None:
    browser = browser_of(owner.user)
    browser.get(URL)

    def seen() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            html = browser.get(f"{URL}?{query}").content.decode()
        return len(asked), html.count("<tr>")

    def make(number: int, revoked: int) -> None:
        for token in many(owner, number, revoked):
            in_this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
            HourlyUsage.objects.create(
                bucket=owner.organization_id, subject=token.pk, hour=in_this_hour, calls=1
            )

    make(60, 30)
    few = seen()
    make(240, 100)
    assert seen() == few
