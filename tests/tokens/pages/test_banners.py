"""What every page says first: suspension, deletion, a plan that is nearly or wholly used, tokens that end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.authentication.current_organization import current_organization
from accounts.models import Membership, Organization
from accounts.notifications import outbox
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from ratelimit.usage import reports
from ratelimit.usage.reports import Today
from tests.support.people import browser_of, fresh_browser_of, make_member, make_organization, make_token
from tests.support.team import make_invited
from tokens.pages import banners

PAGES = (
    "/settings/tokens/",
    "/settings/clients/",
    "/settings/members/",
    "/settings/organization/",
    "/settings/usage/",
    "/settings/audit-log/",
    "/settings/security/",
    "/accounts/email/",
)


def page(member: Membership, url: str = "/settings/tokens/") -> str:
    return " ".join(fresh_browser_of(member.user).get(url, follow=True).content.decode().split())


@pytest.fixture
def suspended(owner: Membership) -> Membership:
    Organization.objects.filter(pk=owner.organization_id).update(suspended_at=timezone.now())
    return owner


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch, owner: Membership) -> Callable[[int], None]:
    """``used(80)``: so many of today's 100 calls are used."""

    def set_used(calls: int) -> None:
        at = timezone.now() + timedelta(hours=3)
        monkeypatch.setattr(reports, "today", lambda *_, **__: Today(calls, max(0, 100 - calls), at))

    return set_used


@pytest.mark.parametrize("url", PAGES)
def test_every_page_says_that_the_organization_is_suspended(suspended, url):
    assert f"{suspended.organization.name} is suspended</strong> since" in page(suspended, url)


def test_all_members_read_why_staff_have_suspended_the_organization(
    owner: Membership, admin_client: Client
) -> None:
    reason = "<b>Invoice 7 & 8</b> " + "w" * 300
    form = {"action": "suspend", "_selected_action": owner.organization_id, "confirmed": "yes"}
    admin_client.post("/admin/accounts/organization/", form | {"reason": reason})
    # The form's field has 200 characters.
    shown = "Reason: &lt;b&gt;Invoice 7 &amp; 8&lt;/b&gt; " + "w" * 179 + "</span>"
    for member in (owner, make_member(owner.organization, Role.VIEWER)):
        assert shown in page(member)


def test_the_reason_of_an_earlier_suspension_is_not_shown(owner: Membership) -> None:
    organization = owner.organization
    update.suspend(organization=organization, actor=SYSTEM, reason="Unpaid")
    update.resume(organization=organization, actor=SYSTEM)
    assert "Unpaid" not in page(owner)
    Organization.objects.filter(pk=organization.pk).update(suspended_at=timezone.now())
    assert "is suspended" in page(owner)
    assert "Reason:" not in page(owner)


def test_a_suspensions_banner_costs_one_query(suspended: Membership) -> None:
    request = browser_of(suspended.user).get("/settings/security/").wsgi_request
    found = current_organization(request)
    with CaptureQueriesContext(connection) as queries:
        banners.banners(request, found, timezone.now())
    assert len(queries) == 1


@pytest.mark.parametrize(
    ("url", "button"),
    [
        ("/settings/tokens/", "Create token"),
        ("/settings/tokens/new/", "Create token"),
        ("/settings/clients/", "Create client"),
        ("/settings/clients/new/", "Create client"),
        ("/settings/members/", "Invite"),
    ],
)
def test_a_suspended_organization_invites_to_create_nothing(suspended, url, button):
    html = page(suspended, url)
    [found] = re.findall(rf"<(?:button|a) class=\"button primary\"[^>]*>(?:<svg.*?</svg>)?{button}<", html)
    assert 'disabled aria-describedby="why-suspended"' in found
    assert 'id="why-suspended"' in html


@pytest.mark.parametrize(("calls", "shown"), [(79, False), (80, True), (99, True)])
def test_a_plan_is_announced_from_eighty_percent_on(owner, used, calls, shown):
    used(calls)
    html = page(owner, "/settings/members/")
    assert (f"{calls} of the plan’s 100 calls of today are used." in html) is shown


def test_a_spent_plan_says_when_it_resets_and_its_gauge_is_red(owner, used):
    make_token(owner)
    used(100)
    html = page(owner)
    assert "100 calls of today are used up.</strong> Calls are refused with status 429 until" in html
    assert "in 3 hours" in html
    assert html.count("is-spent") == 1
    assert "is-spent" in page(owner, "/settings/organization/")


def test_tokens_that_expire_within_two_weeks_are_counted(owner):
    make_token(owner, expires_in_days=15)
    assert "within 14 days" not in page(owner, "/settings/members/")
    make_token(owner, expires_in_days=14)
    assert "One API token expires within 14 days</strong>, <time" in page(owner, "/settings/members/")
    make_token(owner, expires_in_days=3)
    assert "2 API tokens expire within 14 days</strong>, the first of them <time" in page(owner)


def test_a_member_sees_only_what_they_may_see(owner, used):
    used(100)
    make_token(owner, expires_in_days=3)
    viewer = make_member(owner.organization, Role.VIEWER)
    html = page(viewer, "/settings/members/")
    assert ("One API token expires" in html) is viewer.scopes.allows(banners.SEE_TOKENS)
    assert ("used up" in html) is viewer.scopes.allows(banners.SEE_USAGE)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "The mail of one invitation was not delivered."),
        (2, "The mails of 2 invitations were not delivered."),
    ],
)
def test_mails_that_were_not_delivered_are_announced_to_those_who_can_resend_them(owner, number, words):
    for one in range(number):
        make_invited(owner, f"one{one}@example.com", now=timezone.now() - outbox.LEASE)
    admin, member = (make_member(owner.organization, role) for role in (Role.ADMIN, Role.MEMBER))
    assert f'{words}</strong> <a href="/settings/members/#invitations">' in page(admin)
    assert "not delivered" not in page(member)
    assert "not delivered" not in page(make_member(make_organization()))


def test_another_organizations_tokens_are_not_counted(owner):
    make_token(make_member(make_organization()), expires_in_days=3)
    assert "within 14 days" not in page(owner)


def test_who_is_left_without_an_organization_reads_that_it_is_deleted(owner):
    Organization.objects.filter(pk=owner.organization_id).update(deleted_at=timezone.now())
    html = page(owner)
    assert f"{owner.organization.name} is deleted.</strong> Our staff can restore it until" in html


def test_the_banners_cost_the_same_however_many_tokens_end(db):
    counts = []
    for number in (0, 1, 20):
        member = make_member(make_organization())
        for _ in range(number):
            make_token(member, expires_in_days=3)
        request = browser_of(member.user).get("/settings/security/").wsgi_request
        found = current_organization(request)
        with CaptureQueriesContext(connection) as captured:
            banners.banners(request, found, timezone.now())
        counts.append(len(captured))
    assert counts == [2, 2, 2]
