"""When a member was last seen: written by pages and API sessions, not at every request, and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.members.last_seen import EVERY
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_token
from tests.support.sessions import login, make_person, opened, refresh

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def seen(member: Membership) -> datetime | None:
    return Membership.objects.get(pk=member.pk).last_seen_at


def writes(browser: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get("/settings/members/").status_code == 200
    return sum('UPDATE "accounts_membership"' in one["sql"] for one in queries)


def test_a_page_notes_it_every_five_minutes_at_most() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        member = make_member()
        browser = browser_of(member.user)
        assert seen(member) is None
        assert [writes(browser), writes(browser)] == [1, 0]
        assert seen(member) == NOON
        clock.shift(EVERY - timedelta(seconds=1))
        assert writes(browser) == 0
        clock.shift(1)
        assert writes(browser) == 1
        assert seen(member) == NOON + EVERY


def test_only_the_organization_that_was_opened_notes_it() -> None:
    member = make_member()
    elsewhere = make_member(user=member.user)
    browser_of(member.user).get("/settings/members/")
    assert sorted([seen(member) is None, seen(elsewhere) is None]) == [False, True]


def test_signing_in_to_the_api_and_refreshing_note_it(owner: Membership) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        ada = make_person(owner.organization, Role.ADMIN, "ada@example.com")
        token = login("ada@example.com").json()["refresh_token"]
        assert seen(ada) == NOON
        clock.shift(900)
        assert refresh(token).status_code == 200
        assert seen(ada) == NOON + timedelta(minutes=15)


def test_a_request_of_a_session_or_a_token_writes_nothing(owner: Membership) -> None:
    session, token = opened(owner).access_token, make_token(owner).plaintext
    for bearer in (session, token):
        assert program(bearer).get("/api/auth/whoami").status_code == 200
    assert seen(owner) is None


def test_page_api_and_admin_show_it(owner: Membership, staff: Client, api: Any) -> None:
    member = make_member(owner.organization, Role.VIEWER)
    Membership.objects.filter(pk=member.pk).update(last_seen_at=NOON)
    Membership.objects.filter(pk=owner.pk).update(last_seen_at=NOON)
    page = browser_of(owner.user).get("/settings/members/").content.decode()
    assert 'datetime="2026-05-04T12:00:00' in page
    bearer = program(make_token(owner, permissions=["members.view"]))
    rows = bearer.get("/api/v1/members").json()["results"]
    assert {row["id"]: row["lastSeenAt"] for row in rows}[member.public_id] == "2026-05-04T12:00:00.000Z"
    assert "May 4, 2026" in staff.get("/admin/accounts/membership/").content.decode()
