"""The admin's home: what needs attention today, ten lines of each kind, and only what staff may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, OutboxMail
from accounts.staff import home
from ratelimit.models import Reservation
from tests.support.people import make_organization, make_plan, make_staff

pytestmark = pytest.mark.django_db
HOME = "/admin/"
NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=400)


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def panel(browser: Client, title: str) -> list[tuple[str, str]]:
    """Names and figures of the panel's lines."""
    [found] = [one for one in browser.get(HOME).context["panels"] if one.panel.title == title]
    return [(line.name, line.figure) for line in found.lines]


def reserve(organization: Organization, reserved: int, ago: int = 0) -> None:
    day = NOON.date() - timedelta(days=ago)
    Reservation.objects.create(bucket=organization.pk, day=day, reserved=reserved)


def listed(browser: Client, **query: str) -> list[str]:
    rows = browser.get(reverse("admin:accounts_organization_changelist"), query).context["cl"].result_list
    return [one.name for one in rows]


def test_organizations_near_their_limit_are_shown_by_share(staff: Client) -> None:
    plan, unlimited = make_plan(), make_plan("unlimited", None)
    reserve(make_organization("At 79", plan=plan), 79)
    reserve(make_organization("At 80", plan=plan), 80)
    reserve(make_organization("Of its own limit", plan=plan, requests_per_day=1_000), 999)
    reserve(make_organization("Over", plan=plan, requests_per_day=50), 60)
    reserve(make_organization("Yesterday", plan=plan), 100, ago=1)
    reserve(make_organization("Unlimited", plan=unlimited), 10**6)
    reserve(make_organization("Deleted", plan=plan, deleted_at=NOON), 100)
    near = [("Over", "120 %"), ("Of its own limit", "99 %"), ("At 80", "80 %")]
    assert panel(staff, "Near or over the daily limit") == near
    assert sorted(listed(staff, daily_limit="near")) == ["At 80", "Of its own limit", "Over"]
    assert listed(staff, daily_limit="used-up") == ["Over"]


def test_suspended_and_new_organizations_are_shown_latest_first(staff: Client) -> None:
    make_organization("Old", created_at=LONG_AGO)
    make_organization("New", created_at=NOON - timedelta(days=6))
    make_organization("Newest", created_at=NOON - timedelta(hours=1))
    make_organization("Earlier", created_at=LONG_AGO, suspended_at=NOON - timedelta(days=2))
    make_organization("Later", created_at=LONG_AGO, suspended_at=NOON - timedelta(days=1))
    make_organization("Gone", suspended_at=NOON, deleted_at=NOON)
    new = [("Newest", "2030-06-01"), ("New", "2030-05-26")]
    assert panel(staff, "New organizations") == new
    assert panel(staff, "Suspended organizations") == [("Later", "2030-05-31"), ("Earlier", "2030-05-30")]
    assert listed(staff, created="new", status="active") == ["New", "Newest"]


def test_unsent_mails_are_shown_oldest_first_with_their_last_error(staff: Client) -> None:
    for to, error, given_up_at in (("ann@example.com", "Refused.", NOON), ("bob@example.com", "", None)):
        OutboxMail.objects.create(
            to=to,
            subject=f"To {to}",
            last_error=error,
            given_up_at=given_up_at,
            next_try_at=NOON,
            claimed_until=NOON,
        )
    mails = [("To ann@example.com", "Given up"), ("To bob@example.com", "Waiting")]
    assert panel(staff, "Unsent mail") == mails
    html = staff.get(HOME).content.decode()
    assert "ann@example.com. Refused." in html
    assert "bob@example.com. Not tried yet." in html


def test_a_panel_has_ten_lines_and_leads_to_the_list_of_all(staff: Client) -> None:
    for _ in range(11):
        make_organization(created_at=NOON)
    [found] = [one for one in staff.get(HOME).context["panels"] if one.panel.title == "New organizations"]
    assert (len(found.lines), found.count) == (10, "10+")
    assert len(staff.get(found.url).context["cl"].result_list) == 11


def test_what_is_empty_says_so_in_one_sentence(staff: Client) -> None:
    html = staff.get(HOME).content.decode()
    for one in home.filled(staff.get(HOME).wsgi_request.user, timezone.now()):
        assert not one.lines
        assert one.panel.empty in html
    assert "Show all" not in html


def test_staff_see_the_panels_of_what_they_may_view() -> None:
    allowed = {
        (): [],
        ("accounts.view_user",): [],
        ("accounts.view_outboxmail",): ["Unsent mail"],
        ("tokens.view_serviceaccounttoken",): ["Refused credentials"],
        ("accounts.view_organization",): [
            "Near or over the daily limit",
            "Suspended organizations",
            "New organizations",
        ],
    }
    for permissions, titles in allowed.items():
        panels = make_staff(*permissions).get(HOME).context["panels"]
        assert [one.panel.title for one in panels] == titles


def test_another_app_registers_a_panel_of_its_own(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_panels", [*home._panels])
    home.register(
        home.HomePanel(
            rank=0,
            title="Failing endpoints",
            note="",
            empty="None fails.",
            permission="accounts.view_organization",
            list_url=lambda: "/admin/",
            lines=lambda now, first: [home.Line("https://example.com/hook", "/admin/", "12 failures")],
        )
    )
    assert staff.get(HOME).context["panels"][0].panel.title == "Failing endpoints"
    assert panel(staff, "Failing endpoints") == [("https://example.com/hook", "12 failures")]
