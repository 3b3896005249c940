"""Calls of the last 30 days in each row: the exact counts of SQL and Redis, read at once for all rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ratelimit.models import DailyUsage
from tests.support.clients import program
from tests.support.people import browser_of, make_token
from tokens.listing.filters import Filters
from tokens.listing.listing import listing
from tokens.models import ServiceAccountToken


def counted(token: ServiceAccountToken, days_ago: int, calls: int) -> None:
    """Store a day's calls in SQL, as housekeeping does."""
    day = timezone.now() - timedelta(days=days_ago)
    bucket = token.organization_id
    DailyUsage.objects.create(bucket=bucket, subject=token.pk, day=day.date(), calls=calls, last_used_at=day)


@pytest.mark.usefixtures("redis_client")
def test_a_row_shows_its_own_calls_of_thirty_days_up_to_the_last_call(owner):
    used, other = make_token(owner, "used"), make_token(owner, "other")
    for days_ago, calls in ((30, 1000), (29, 70), (3, 200)):
        counted(used.token, days_ago, calls)
    counted(other.token, 3, 5)
    assert program(used).get("/api/auth/whoami").status_code == 200
    now = timezone.now()
    days = [now.date() - timedelta(days=number) for number in reversed(range(30))]
    found = {row.token.name: row.calls for row in listing(owner, Filters(), None, now).rows}
    expected = dict.fromkeys(days, 0) | {days[0]: 70, days[26]: 200, days[29]: 1}
    assert list(found["used"].items()) == list(expected.items())
    assert sum(found["other"].values()) == 5


def test_the_chart_is_an_image_with_its_figures_in_words(owner):
    counted(make_token(owner, "busy").token, 3, 41_200)
    html = browser_of(owner.user).get("/settings/tokens/").content.decode()
    assert 'role="img"><title>41,200 calls in 30 days, at most 41,200 on ' in html
    assert ">41.2k</span>" in html


def test_a_row_without_calls_says_so(owner):
    make_token(owner, "new")
    assert "<title>No calls in 30 days</title>" in (
        browser_of(owner.user).get("/settings/tokens/").content.decode()
    )
