"""The filters of the token list, which its address holds: created by me, unused, no expiry, broad."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_token
from tests.tokens.service_accounts.many import make_many
from tokens.models import ServiceAccountToken

URL = "/settings/tokens/"
DAY = timedelta(days=1)


def page(member: Membership, query: str) -> str:
    response = browser_of(member.user).get(URL + query)
    assert response.status_code == 200
    return response.content.decode()


def names(member: Membership, query: str) -> list[str]:
    return re.findall(r'<a class="title"[^>]*>([^<]+)</a>', page(member, query))


def aged(member: Membership, name: str, days: int, used_days_ago: int | None = None) -> ServiceAccountToken:
    """A token that is so many days old."""
    token = make_token(member, name).token
    now = timezone.now()
    ServiceAccountToken.objects.filter(pk=token.pk).update(created_at=now - days * DAY)
    if used_days_ago is not None:
        used_at = now - used_days_ago * DAY
        key = {"bucket": token.organization_id, "subject": token.pk, "day": used_at.date()}
        DailyUsage.objects.create(**key, calls=1, last_used_at=used_at)
    return token


def test_unused_are_those_without_a_call_in_90_days_or_ever_since_30(owner):
    aged(owner, "called lately", 200, used_days_ago=89)
    aged(owner, "called long ago", 200, used_days_ago=90)
    aged(owner, "never for 29 days", 29)
    aged(owner, "never for 30 days", 30)
    assert names(owner, "?only=unused&sort=name") == ["called long ago", "never for 30 days"]
    assert names(owner, "?only=unused&sort=-used") == ["called long ago", "never for 30 days"]


@pytest.mark.usefixtures("redis_client")
def test_a_call_takes_a_token_off_the_unused_at_once(owner):
    issued = make_token(owner, "back again", expires_in_days=None)
    created_at = timezone.now() - 31 * DAY
    ServiceAccountToken.objects.update(created_at=created_at)
    assert names(owner, "?only=unused") == ["back again"]
    assert program(issued).get("/api/auth/whoami").status_code == 200
    assert names(owner, "?only=unused") == []


def test_mine_no_expiry_and_broad_each_limit_the_list(owner):
    admin = make_member(owner.organization, Role.ADMIN)
    make_token(admin, "of the admin")
    make_token(owner, "without end", expires_in_days=None)
    make_token(owner, "broad", ["*:read:*"])
    make_token(owner, "broad without end", ["tokens.manage"], expires_in_days=None)
    found = {only: names(owner, f"?only={only}&sort=name") for only in ("mine", "no-expiry", "broad")}
    assert found == {
        "mine": ["broad", "broad without end", "without end"],
        "no-expiry": ["broad without end", "without end"],
        "broad": ["broad", "broad without end"],
    }
    assert names(admin, "?only=mine") == ["of the admin"]
    assert names(owner, "?only=broad&only=no-expiry") == ["broad without end"]


def test_every_link_of_the_page_keeps_the_filters(owner):
    make_token(owner, "x-broad", ["*:read:*"])
    html = page(owner, "?only=broad&q=x&sort=name")
    assert 'href="?status=all&amp;q=x&amp;only=broad&amp;sort=name"' in html
    assert 'href="?q=x&amp;only=broad&amp;sort=-name"' in html


def test_a_filter_is_removed_by_its_link_and_all_by_one(owner):
    make_token(owner, "x-broad", ["*:read:*"])
    html = page(owner, "?status=all&only=broad&q=x&sort=name")
    words = '"><span class="hush">Remove the filter </span>'
    assert f'href="?status=all&amp;only=broad&amp;sort=name{words}“x”' in html
    assert f'href="?status=all&amp;q=x&amp;sort=name{words}Broad' in html
    assert 'href="?status=all&amp;sort=name">Clear all</a>' in html


def test_no_match_says_what_was_asked_and_offers_to_clear_it(owner):
    make_token(owner, "ci-deploy")
    html = page(owner, "?only=unused")
    assert "No token matches the filters" in html
    assert "its last call is 90 days old" in html
    assert '<a class="button" href="?">Clear filters</a>' in html


@pytest.mark.parametrize("query", ["?only=", "?only=x&only=BROAD", "?only[]=broad"])
def test_an_unknown_filter_is_none(owner, query):
    make_token(owner, "ci-deploy")
    assert names(owner, query) == ["ci-deploy"]


def test_a_full_organization_is_shown_the_way_to_its_unused_tokens(owner):
    make_many(owner, settings.ACTIVE_TOKENS_PER_ORGANIZATION)
    html = page(owner, "")
    assert f'href="{URL}?only=unused&amp;sort=used">Show the unused ones</a>' in html
