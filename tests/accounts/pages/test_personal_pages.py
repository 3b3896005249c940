"""Settings of a person's own: they need no organization, and stand in a group of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Membership, User
from tests.support.people import browser_of, fresh_browser_of, make_member, make_organization, make_user

PROFILE, SECURITY, DOCUMENTATION = "/settings/profile/", "/settings/security/", "/v1/auth/docs"
# Each page of one's own, with the place in the navigation that it belongs to.
PAGES = {
    PROFILE: PROFILE,
    SECURITY: SECURITY,
    "/accounts/email/": SECURITY,
    "/accounts/password/change/": SECURITY,
    "/accounts/2fa/": SECURITY,
    "/accounts/2fa/totp/activate/": SECURITY,
    "/accounts/2fa/recovery-codes/generate/": SECURITY,
    "/accounts/2fa/webauthn/": SECURITY,
}


@pytest.fixture
def loner(db: None) -> User:
    """A person without an organization, with a password."""
    user = make_user("loner@example.com")
    user.set_password("a-long-enough-passphrase")
    user.save()
    return user


def text_of(browser: Client, path: str) -> str:
    response: Any = browser.get(path, follow=True)
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_it_needs_no_organization(loner: User, path: str) -> None:
    html = text_of(fresh_browser_of(loner), path)
    assert re.findall(r'<li><a href="([^"]+)"', html) == [PROFILE, SECURITY, DOCUMENTATION]


@pytest.mark.parametrize("path", PAGES)
def test_its_place_stays_highlighted(owner: Membership, path: str) -> None:
    owner.user.set_password("a-long-enough-passphrase")
    owner.user.save()
    html = text_of(fresh_browser_of(owner.user), path)
    assert re.findall(r'<a href="([^"]+)" aria-current="(?:page|true)"', html) == [PAGES[path]]


@pytest.mark.parametrize("path", ["/settings/tokens/", SECURITY])
def test_the_account_menu_leads_to_them(loner: User, path: str) -> None:
    html = browser_of(loner).get(path).content.decode()
    menu = html.partition('<details class="menu account">')[2].partition("</details>")[0]
    assert f'href="{PROFILE}"' in menu
    assert f'href="{SECURITY}"' in menu


def test_without_an_organization_the_other_pages_lead_to_them(loner: User) -> None:
    response = browser_of(loner).get("/settings/tokens/")
    assert response.status_code == 403
    assert f'<a class="button" href="{SECURITY}"' in response.content.decode()


def test_a_person_changes_their_own_name(owner: Membership) -> None:
    other = make_member(make_organization("Northwind"), user=owner.user)
    before = owner.user.name
    response = browser_of(owner.user).post(PROFILE, {"name": "  Ada Byron "}, follow=True)

    assert "Your name is saved." in response.content.decode()
    owner.user.refresh_from_db()
    assert owner.user.name == "Ada Byron"
    events = AuditEvent.objects.filter(action="user.changed")
    assert {event.organization_id for event in events} == {owner.organization_id, other.organization_id}
    for event in events:
        assert event.changes == {"name": [before, "Ada Byron"]}
        assert event.actor_id == event.target_id == owner.user.public_id


def test_a_name_that_stays_is_no_change(owner: Membership) -> None:
    owner.user.name = "Ada"
    owner.user.save()
    browser_of(owner.user).post(PROFILE, {"name": "Ada"})
    assert not AuditEvent.objects.filter(action="user.changed").exists()


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\u202eb", "see https://evil.example"])
def test_a_bad_name_is_refused_with_a_reason(owner: Membership, name: str) -> None:
    response = browser_of(owner.user).post(PROFILE, {"name": name})
    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.content.decode()


def test_a_person_without_an_organization_changes_their_name(loner: User) -> None:
    assert browser_of(loner).post(PROFILE, {"name": "Lone"}).status_code == 302
    loner.refresh_from_db()
    assert loner.name == "Lone"
