"""The overview of an organization in the admin: its use, its people and programs, and what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from accounts.permissions.roles import Role
from accounts.staff.panels import Panel, Table
from ratelimit.models import DailyUsage, Reservation
from tests.support.people import make_member, make_plan, make_token, make_user
from tests.tokens.oauth.calls import make_program

pytestmark = pytest.mark.django_db
NOON = datetime(2030, 6, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def page(staff: Client, member: Membership) -> tuple[Panel, str]:
    response = staff.get(reverse("admin:accounts_organization_change", args=[member.organization_id]))
    return response.context["panel"], response.content.decode()


def rows(table: Table) -> list[tuple[str, ...]]:
    return [(row.name, *row.cells) for row in table.rows]


def use(member: Membership, subject: Any, days_ago: int, calls: int, refused: int = 0) -> None:
    day = NOON.date() - timedelta(days=days_ago)
    DailyUsage.objects.create(
        bucket=member.organization_id, subject=subject, day=day, calls=calls, refused=refused
    )


def test_the_chart_has_thirty_days_and_says_them_in_words(staff: Client, owner: Membership) -> None:
    token = make_token(owner).token
    use(owner, token.pk, 29, 40, refused=2)
    use(owner, token.pk, 30, 1_000)
    panel, html = page(staff, owner)
    assert panel.usage is not None
    assert [point.calls for point in panel.usage.chart.points] == [40, *[0] * 29]
    assert "Sat 1 Jun 2030 to Sun 30 Jun 2030: 40 calls, at most 40 (Sat 1 Jun 2030); 2 refused." in html
    assert '<th scope="row">2030-06-01</th><td>40</td><td>2</td>' in html
    assert "style=" not in html[html.index("<figure") : html.index("</figure>")]


def test_the_quota_is_as_the_limiter_has_it(staff: Client, owner: Membership) -> None:
    organization = owner.organization
    Reservation.objects.create(bucket=organization.pk, day=NOON.date(), reserved=48)
    assert "48 of 100 (48 %)" in page(staff, owner)[1]
    organization.plan = make_plan("unlimited", None)
    organization.save()
    assert "48, unlimited" in page(staff, owner)[1]
    organization.requests_per_day = 0
    organization.save()
    assert "48 of 0" in page(staff, owner)[1]


def test_people_are_shown_by_their_last_visit(staff: Client, owner: Membership) -> None:
    Membership.objects.filter(pk=owner.pk).update(last_seen_at=NOON - timedelta(days=3))
    for number in range(5):
        user = make_user(name=f"Person {number}")
        make_member(owner.organization, Role.VIEWER, user, last_seen_at=NOON - timedelta(days=number))
    make_member(owner.organization, Role.ADMIN, make_user(name="New"))
    people = page(staff, owner)[0].tables[0]
    assert [(name, role) for name, role, _ in rows(people)][:3] == [
        ("Person 0", "Viewer"),
        ("Person 1", "Viewer"),
        ("Person 2", "Viewer"),
    ]
    assert len(people.rows) == 5
    assert "New" not in [row.name for row in people.rows]
    assert len(staff.get(people.list_url).context["cl"].result_list) == 7


def test_programs_are_shown_by_their_calls_and_lead_to_their_pages(staff: Client, owner: Membership) -> None:
    token, client = make_token(owner, "Nightly import").token, make_program(owner, name="Partner app").row
    use(owner, token.pk, 1, 1_200)
    use(owner, client.pk, 2, 3_400)
    use(owner, owner.pk, 0, 9_999)
    programs = page(staff, owner)[0].tables[1]
    assert rows(programs) == [
        ("Partner app", "OAuth client", "3,400"),
        ("Nightly import", "API token", "1,200"),
    ]
    assert [staff.get(row.url).context["original"] for row in programs.rows] == [client, token]


def test_an_organization_without_use_says_so(staff: Client, owner: Membership) -> None:
    html = page(staff, owner)[1]
    assert "No calls in these days." in html
    assert "No program has called in 30 days." in html
    assert "<figure" not in html
