"""Settings → Members: who belongs to the organization, for everybody who does."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import browser_of, make_member, make_user

URL = "/settings/members/"


def test_it_leads_strangers_to_the_sign_in_page(client, db):
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_names_addresses_and_roles(owner, role):
    make_member(owner.organization, Role.ADMIN, make_user("grace@example.com", name="Grace Hopper"))
    me = make_member(owner.organization, role)
    html = browser_of(me.user).get(URL).content.decode()
    for text in ("Grace Hopper", "grace@example.com", "Admin", owner.user.email, ">You</span>", "Not yet"):
        assert text in html


def test_another_organization_is_not_shown(owner):
    stranger = make_member()
    assert stranger.user.email not in browser_of(owner.user).get(URL).content.decode()


def test_it_is_only_read(owner):
    assert browser_of(owner.user).post(URL).status_code == 405


def test_the_table_of_roles_says_what_each_may_do(owner):
    html = browser_of(owner.user).get(URL).content.decode()
    row = html[html.index("<code>tokens.manage</code>") :].partition("</tr>")[0]
    assert [cell.count(">may</span>") for cell in row.split("<td>")[1:]] == [1, 1, 0, 0]


def test_the_number_of_statements_does_not_grow_with_the_members(owner):
    browser = browser_of(owner.user)
    # The first page notes that the member was seen.
    browser.get(URL)
    counts = []
    for number in (0, 1, 48):
        Membership.objects.bulk_create(
            Membership(organization=owner.organization, user=make_user()) for _ in range(number)
        )
        with CaptureQueriesContext(connection) as captured:
            browser.get(URL)
        counts.append(len(captured))
    assert counts == [counts[0]] * 3


def test_fifty_stand_on_one_page(owner):
    Membership.objects.bulk_create(
        Membership(organization=owner.organization, user=make_user()) for _ in range(60)
    )
    browser = browser_of(owner.user)
    assert "1–50 of 61" in browser.get(URL).content.decode()
    assert "51–61 of 61" in browser.get(f"{URL}?page=2").content.decode()
