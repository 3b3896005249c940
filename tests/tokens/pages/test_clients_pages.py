"""Settings → OAuth clients: list, create with a secret shown once, change, rotate, revoke, delete."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import fresh_browser_of, make_member
from tests.tokens.oauth.calls import Program, make_program, whoami
from tokens.models import ClientSecret, OAuthClient

pytestmark = pytest.mark.django_db
URL = "/settings/clients/"
GOOD: dict[str, Any] = {
    "name": "Importer",
    "refresh_auth": "required",
    "permissions": ["index:read:*"],
    "nonce": "n-1",
}
SECRET = re.compile(r"tsr_cs_[A-Za-z0-9]{43}")


@pytest.fixture
def browser(owner: Membership) -> Client:
    return fresh_browser_of(owner.user)


@pytest.fixture
def importer(owner: Membership) -> Program:
    return make_program(owner)


def page(browser: Client, path: str, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, path
    return response.content.decode()


def of(program: Program, page: str = "") -> str:
    return f"{URL}{program.id}/{page}"


def test_the_navigation_leads_here(browser: Client) -> None:
    found = page(browser, URL)
    assert 'aria-current="page">' in found
    assert ">OAuth clients</a>" in found
    assert "Create client" in found


def test_the_list_shows_each_client_without_its_secret(browser: Client, importer: Program) -> None:
    importer.grant()
    found = page(browser, URL)
    for text in (
        "Importer",
        importer.id,
        "index:read:*",
        f"…{importer.secret[-4:]}",
        "Never used",
        "1 client",
    ):
        assert text in found
    assert importer.secret not in found


def test_a_new_clients_secret_is_shown_once(browser: Client) -> None:
    response = browser.post(f"{URL}new/", GOOD, follow=True)
    assert response.redirect_chain[0][1] == 303
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "no-referrer")
    found = response.content.decode()
    [secret] = set(SECRET.findall(found))
    row = OAuthClient.objects.get()
    assert (row.name, row.scopes, row.refresh_auth) == ("Importer", ["index:read:*"], "required")
    assert row.public_id in found
    Program(row, secret).grant()
    for path in (URL, f"{URL}{row.public_id}/", f"{URL}{row.public_id}/edit/"):
        assert secret not in page(browser, path)


def test_a_form_sent_twice_makes_one_client(browser: Client) -> None:
    browser.post(f"{URL}new/", GOOD)
    response = browser.post(f"{URL}new/", GOOD, follow=True)
    assert "sent a second time" in response.content.decode()
    assert OAuthClient.objects.count() == 1
    assert browser.post(f"{URL}new/", GOOD | {"nonce": "n-2"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "Give the client a name."),
        ({"name": "x\u202ey"}, "This may not hold control or text-direction characters."),
        ({"permissions": []}, "Choose at least one permission."),
        ({"permissions": ["nothing.view"]}, "There is no permission nothing.view."),
        ({"only:index:read:*": "a b!"}, "is not an identifier"),
        ({"refresh_auth": "never"}, "Choose one of the list."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_form_with_a_mistake_says_so(browser: Client, change: dict[str, Any], sentence: str) -> None:
    response = browser.post(f"{URL}new/", GOOD | change)
    assert response.status_code == 422
    found = response.content.decode()
    assert sentence in found
    assert not OAuthClient.objects.exists()
    # The same form may be corrected and sent again.
    assert browser.post(f"{URL}new/", GOOD).status_code == 303


def test_permissions_may_be_limited_to_identifiers(browser: Client) -> None:
    browser.post(f"{URL}new/", GOOD | {"only:index:read:*": "shop-1, shop-2"})
    assert OAuthClient.objects.get().scopes == ["index:read:shop-1", "index:read:shop-2"]


def test_nobody_grants_what_they_do_not_hold(owner: Membership) -> None:
    admin = fresh_browser_of(make_member(owner.organization, Role.ADMIN).user)
    response = admin.post(f"{URL}new/", GOOD | {"permissions": ["account:admin:*"]})
    assert response.status_code == 403
    assert "You do not hold account:admin:* yourself" in response.content.decode()
    assert not OAuthClient.objects.exists()


def test_a_client_is_changed(browser: Client, importer: Program) -> None:
    found = page(browser, of(importer, "edit/"))
    assert 'value="events:write:*" autocomplete="off" checked' in found
    change = {"name": "Renamed", "refresh_auth": "rotation_only", "permissions": ["analytics.view"]}
    assert browser.post(of(importer, "edit/"), change).status_code == 302
    row = OAuthClient.objects.get()
    assert (row.name, row.refresh_auth, row.scopes) == ("Renamed", "rotation_only", ["analytics.view"])
    assert browser.post(of(importer, "edit/"), change | {"name": ""}).status_code == 422


def test_permissions_without_a_box_stay_as_they_are(browser: Client, owner: Membership) -> None:
    program = make_program(owner, scopes=["*:*:*"])
    assert "has no boxes for" in page(browser, of(program, "edit/"))
    browser.post(of(program, "edit/"), {"name": "Renamed", "refresh_auth": "required"})
    row = OAuthClient.objects.get()
    assert (row.name, row.scopes) == ("Renamed", ["*:*:*"])


def test_a_rotated_secret_is_shown_once(browser: Client, importer: Program) -> None:
    page(browser, of(importer, "rotate/"))
    response = browser.post(of(importer, "rotate/"), {"overlap": "3600", "nonce": "n-1"}, follow=True)
    assert response.redirect_chain[0][1] == 303
    assert "Importer has a new secret" in response.content.decode()
    [secret] = set(SECRET.findall(response.content.decode()))
    Program(importer.row, secret).grant()
    importer.grant()
    again = browser.get(of(importer, "secret/"), follow=True)
    assert "The secret was shown once." in again.content.decode()
    found = page(browser, of(importer))
    assert f"…{secret[-4:]}" in found
    assert "Expires " in found
    assert browser.post(of(importer, "rotate/"), {"overlap": "3600", "nonce": "n-1"}).status_code == 302
    assert browser.post(of(importer, "rotate/"), {"overlap": "5", "nonce": "n-2"}).status_code == 422
    assert ClientSecret.objects.count() == 2


def test_an_admin_does_not_rotate_an_owners_client(owner: Membership) -> None:
    program = make_program(owner, scopes=["account:admin:*"])
    admin = fresh_browser_of(make_member(owner.organization, Role.ADMIN).user)
    assert "account:admin:*" in page(admin, of(program, "rotate/"))
    response = admin.post(of(program, "rotate/"), {"overlap": "0", "nonce": "n-1"})
    assert not SECRET.search(response.content.decode())
    assert ClientSecret.objects.count() == 1


def test_all_tokens_are_revoked_after_a_confirmation(browser: Client, importer: Program) -> None:
    token = importer.grant()["access_token"]
    assert "Revoke tokens" in page(browser, of(importer, "revoke/"))
    assert whoami(token).status_code == 200
    assert browser.post(of(importer, "revoke/")).status_code == 302
    assert whoami(token).status_code == 401
    importer.grant()


def test_a_client_is_deleted_after_its_name_was_typed(browser: Client, importer: Program) -> None:
    token = importer.grant()["access_token"]
    whoami(token)
    assert "Type <strong" in page(browser, of(importer, "delete/"))
    assert browser.post(of(importer, "delete/"), {"typed": "Import"}).status_code == 422
    assert whoami(token).status_code == 200
    response = browser.post(of(importer, "delete/"), {"typed": "Importer"}, follow=True)
    assert "Deleted “Importer”" in response.content.decode()
    assert whoami(token).status_code == 401
    page(browser, of(importer), 404)


def test_a_client_that_nothing_uses_is_deleted_by_one_button(browser: Client, importer: Program) -> None:
    assert "Type <strong" not in page(browser, of(importer, "delete/"))
    assert browser.post(of(importer, "delete/")).status_code == 302
    assert not OAuthClient.objects.filter(deleted_at=None).exists()


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_a_member_and_a_viewer_look_only(owner: Membership, importer: Program, role: Role) -> None:
    browser = fresh_browser_of(make_member(owner.organization, role).user)
    for path in (URL, of(importer)):
        found = page(browser, path)
        assert "for owners and admins" in found
        assert "disabled" in found
    for path in (f"{URL}new/", *(of(importer, name) for name in ("edit/", "rotate/", "revoke/", "delete/"))):
        page(browser, path, 403)
        assert browser.post(path, GOOD).status_code == 403
    importer.grant()


@pytest.mark.parametrize("kind", ["new", "edit"])
def test_a_preset_keeps_what_was_typed(browser: Client, importer: Program, kind: str) -> None:
    address = f"{URL}new/" if kind == "new" else of(importer, "edit/")
    typed = {"name": "Typed", "refresh_auth": "rotation_only", "preset": "read-only"}
    response = browser.post(address, typed)
    assert response.status_code == 200
    found = response.content.decode()
    assert 'value="Typed"' in found
    assert 'value="rotation_only" selected' in found
    assert 'value="usage.view" autocomplete="off" checked' in found
    assert [row.name for row in OAuthClient.objects.all()] == ["Importer"]
