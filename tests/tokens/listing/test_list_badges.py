"""The badges of a row in the token list: what to look at before it becomes a risk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership
from ratelimit.models import DailyStatistics, DailyUsage
from ratelimit.statistics.counts import Seen, names_as_json
from tests.support.people import actor, browser_of, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.pause import pause
from tokens.service_accounts.revoke import revoke

DAY = timedelta(days=1)
UNUSED = ">Unused 90 d</span>"
NEVER = '<span class="badge badge-warn">Never used</span>'


def page(owner: Membership, query: str = "") -> str:
    return browser_of(owner.user).get(f"/settings/tokens/{query}").content.decode()


def aged(token: ServiceAccountToken, days: int) -> None:
    ServiceAccountToken.objects.filter(pk=token.pk).update(created_at=timezone.now() - days * DAY)


@pytest.mark.parametrize(("days", "shown"), [(29, False), (30, True)])
def test_never_used_is_a_badge_after_30_days(owner, days, shown):
    aged(make_token(owner).token, days)
    html = page(owner)
    assert (NEVER in html) is shown
    assert "Never used" in html


@pytest.mark.parametrize(("days", "shown"), [(89, False), (90, True)])
def test_unused_is_a_badge_90_days_after_the_last_call(owner, days, shown):
    token = make_token(owner).token
    aged(token, 200)
    used_at = timezone.now() - days * DAY
    key = {"bucket": token.organization_id, "subject": token.pk, "day": used_at.date()}
    DailyUsage.objects.create(**key, calls=1, last_used_at=used_at)
    html = page(owner)
    assert (UNUSED in html) is shown
    assert NEVER not in html


def test_permissions_are_counted_as_used_if_calls_of_30_days_required_them(owner):
    held = ["index:read:*", "index:write:*", "events:read:*"]
    required(make_token(owner, "of two", held).token, {"index:write:*": 0, "events:read:7": 30})
    required(make_token(owner, "of all", held[:2]).token, {"index:write:*": 29, "index:read:1": 0})
    make_token(owner, "without statistics", held)
    html = page(owner)
    assert html.count('<span class="hush"> permissions</span> used</span>') == 1
    assert 'title="Used in 30 days: index:write:*">1 of 3<span' in html


def required(token: ServiceAccountToken, permissions: dict[str, int]) -> None:
    """Store the days ago on which calls of the token, two days old, required a permission."""
    aged(token, 2)
    for permission, days in permissions.items():
        at = timezone.now() - days * DAY
        DailyStatistics.objects.create(
            bucket=token.organization_id,
            subject=token.pk,
            day=at.date(),
            epoch=permission,
            permissions=names_as_json({permission: Seen(1, at, at)}),
        )


def test_an_ended_token_carries_none(owner):
    token = make_token(owner, permissions=["*:*:*", "usage.view"], expires_in_days=None).token
    required(token, {"index:read:*": 0})
    aged(token, 200)
    revoke(token=token, actor=actor(owner), reason="")
    html = page(owner, "?status=revoked")
    assert "badge-warn" not in html
    assert "</span> used</span>" not in html


def test_never_expiring_and_broad_tokens_carry_badges(owner):
    make_token(owner, "terraform", ["tokens.manage"], expires_in_days=None)
    html = page(owner)
    assert '<span class="badge badge-warn">No expiry</span>' in html
    assert '<span class="badge badge-warn">Broad</span>' in html


def test_the_status_is_shown_unless_it_is_active_or_the_tab_says_it(owner):
    """Assistive technology reads it in every row."""
    make_token(owner, "runs")
    held, ended = make_token(owner, "held").token, make_token(owner, "ended").token
    pause(token=held, actor=actor(owner), until=None, reason="")
    revoke(token=ended, actor=actor(owner), reason="")
    html = page(owner, "?status=all") + page(owner, "?status=revoked")
    shown = re.findall(r'<span class="(shown|hush)"><span class="status status-(\w+)">', html)
    assert sorted(shown) == [
        ("hush", "active"),
        ("hush", "revoked"),
        ("shown", "paused"),
        ("shown", "revoked"),
    ]
