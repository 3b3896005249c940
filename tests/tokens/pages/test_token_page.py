"""A token's own page, and the form that renames it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import typeid
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.revoke import revoke


def url_of(token: ServiceAccountToken, rest: str = "") -> str:
    return f"/settings/tokens/{token.public_id}/{rest}"


def test_it_shows_every_field(owner):
    issued = make_token(owner, "ci-deploy", ["index:write:42", "usage.view"], description="Runs nightly")
    program(issued).get("/api/auth/whoami")
    program(issued).get("/api/auth/whoami")
    html = browser_of(owner.user).get(url_of(issued.token)).content.decode()
    for text in (
        "ci-deploy",
        "Runs nightly",
        "This token can write indexes (only 42), view usage, and nothing else.",
        issued.token.public_id,
        f"tsr_sa_…{issued.plaintext[-4:]}",
        "<dd>2</dd>",
        "just now",
        "127.0.0.1",
        owner.user.email,
    ):
        assert text in html
    assert issued.plaintext not in html


def test_a_revoked_one_says_who_when_and_why(owner):
    token = make_token(owner).token
    revoke(token=token, actor=actor(owner), reason="Found in a public repository")
    html = browser_of(owner.user).get(url_of(token)).content.decode()
    assert f"by {owner.user.display_name}.</strong>" in html
    assert "Reason: Found in a public repository" in html
    assert "Revoke…" not in html


def test_an_orphan_says_that_its_member_left(owner):
    admin = make_member(owner.organization, Role.ADMIN)
    token = make_token(admin).token
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_membership WHERE id = %s", [admin.pk])
    html = browser_of(owner.user).get(url_of(token)).content.decode()
    assert "Reason: The member responsible for it was removed" in html
    assert "None: that member has left" in html


def test_an_expired_one_says_so_and_offers_a_replacement(owner):
    token = make_token(owner).token
    now = timezone.now()
    ServiceAccountToken.objects.filter(pk=token.pk).update(
        created_at=now - timedelta(days=9), expires_at=now - timedelta(days=2)
    )
    html = browser_of(owner.user).get(url_of(token)).content.decode()
    assert "Expired <time" in html
    assert f'href="/settings/tokens/new/?replaces={token.public_id}"' in html
    assert "rotate/" not in html


def test_a_viewer_sees_it_and_cannot_change_it(owner):
    token = make_token(owner).token
    browser = browser_of(make_member(owner.organization, Role.VIEWER).user)
    html = browser.get(url_of(token)).content.decode()
    assert html.count('disabled aria-describedby="why-not"') == 3
    assert 'disabled aria-describedby="why-not">Revoke</button>' in html
    for method in (browser.get, browser.post):
        assert method(url_of(token, "edit/")).status_code == 403
        assert method(url_of(token, "revoke/")).status_code == 403


@pytest.mark.parametrize("rest", ["", "edit/", "revoke/"])
def test_a_stranger_finds_nothing_just_as_with_a_made_up_or_malformed_id(owner, rest):
    foreign = make_token(make_member()).token
    browser = browser_of(owner.user)
    addresses = [
        url_of(foreign, rest),
        f"/settings/tokens/{typeid.encode('tok', typeid.new())}/{rest}",
        f"/settings/tokens/{foreign.pk}/{rest}",
        f"/settings/tokens/usr_{foreign.public_id[4:]}/{rest}",
    ]
    assert [browser.get(address).status_code for address in addresses] == [404] * 4
    assert [browser.post(address, {"name": "x"}).status_code in (404, 405) for address in addresses] == [
        True
    ] * 4
    foreign.refresh_from_db()
    assert foreign.revoked_at is None


def test_a_rename_is_saved(owner):
    token = make_token(owner, "before").token
    browser = browser_of(owner.user)
    response = browser.post(
        url_of(token, "edit/"), {"name": "after", "description": "Why\r\nnot"}, follow=True
    )
    assert response.redirect_chain == [(url_of(token), 302)]
    assert "Saved." in response.content.decode()
    token.refresh_from_db()
    assert (token.name, token.description) == ("after", "Why\nnot")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the token a name."),
        ("taken", "An active token of this name exists already."),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_a_refused_rename_changes_nothing(owner, name, sentence):
    make_token(owner, "taken")
    token = make_token(owner, "before").token
    response = browser_of(owner.user).post(url_of(token, "edit/"), {"name": name, "description": "kept"})
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert ">kept</textarea>" in response.content.decode()
    token.refresh_from_db()
    assert token.name == "before"


def test_the_edit_page_changes_no_permission_and_no_expiry(owner):
    token = make_token(owner, permissions=["usage.view"]).token
    browser_of(owner.user).post(
        url_of(token, "edit/"), {"name": "x", "permissions": "*:*:*", "expires_at": "", "expiration": "never"}
    )
    token.refresh_from_db()
    assert token.permissions == ["usage.view"]
    assert token.expires_at is not None


def test_it_costs_eighteen_statements(owner):
    token = make_token(owner).token
    browser = browser_of(owner.user)
    with CaptureQueriesContext(connection) as captured:
        browser.get(url_of(token))
    # Session, person, memberships, last seen, token with people, its secrets, the tokens and the clients that
    # it created, usage twice, the last 24 hours, banners twice, the usage of 30 days and its statistics, the
    # plan's limit twice, events.
    assert len(captured) <= 18


def test_a_revoked_token_does_not_say_when_it_expires(owner):
    issued = make_token(owner, expires_in_days=240)
    revoke(token=issued.token, actor=actor(owner))
    html = browser_of(owner.user).get(url_of(issued.token)).content.decode()
    assert ">in 8 months<" not in html
    assert "Expiry when revoked" in html
    rows = browser_of(owner.user).get("/settings/tokens/?status=revoked").content.decode()
    assert ">in 8 months<" not in rows


def test_an_expiring_token_offers_a_rotation_with_a_new_expiry(owner):
    token = make_token(owner, expires_in_days=3).token
    html = browser_of(owner.user).get(url_of(token)).content.decode()
    assert f'href="{url_of(token, "rotate/?expires=90")}"' in html
