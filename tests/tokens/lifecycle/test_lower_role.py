"""A lower role: permissions beyond it end unless they are named again, and what exceeds it is shown."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts import errors
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.people import browser_of, fresh_browser_of, make_member, make_token, make_user
from tests.support.sessions import session_of
from tests.support.team import changes
from tests.tokens.oauth.calls import make_program
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.lifecycle.member_removal import ROLE_LOWERED
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
EXTRAS = ["account:admin:*", "index:write:7"]
NOT_ONES_OWN = "You cannot change your own permissions. Ask another admin or owner."


@pytest.fixture
def grace(owner: Membership) -> Membership:
    user = make_user("grace@example.com", name="Grace")
    member = make_member(owner.organization, Role.ADMIN, user, permissions=EXTRAS)
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


@pytest.fixture
def session(owner: Membership) -> APIClient:
    return session_of(owner)


def url(member: Membership) -> str:
    return f"/api/v1/members/{member.public_id}"


def page(member: Membership) -> str:
    return f"/settings/members/{member.public_id}/role/"


def works(issued: Issued) -> bool:
    return isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)


def held(member: Membership) -> list[str]:
    return Membership.objects.get(pk=member.pk).permissions


def test_a_lower_role_removes_the_permissions_beyond_it(session: APIClient, grace: Membership) -> None:
    body = session.patch(url(grace), {"role": "viewer"}).json()
    assert (body["role"], body["permissions"]) == ("viewer", [])
    assert changes(grace.organization, "member.permissions_changed") == [{"permissions": [EXTRAS, []]}]


def test_those_that_are_named_again_are_kept(session: APIClient, grace: Membership) -> None:
    body = session.patch(url(grace), {"role": "viewer", "permissions": ["index:write:7"]}).json()
    assert body["permissions"] == ["index:write:7"]


def test_who_confirms_a_permission_holds_it(owner: Membership, grace: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    wish = {"role": "viewer", "permissions": ["account:admin:*"]}
    response = session_of(admin).patch(url(grace), wish)
    assert (response.status_code, response.json()["required"]) == (403, ["account:admin:*"])


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_the_same_or_a_higher_role_keeps_them(session: APIClient, grace: Membership, role: str) -> None:
    assert session.patch(url(grace), {"role": role}).json()["permissions"] == EXTRAS


def test_nobody_changes_their_own_not_even_to_fewer(grace: Membership) -> None:
    for permissions in ([*EXTRAS, "index:write:*"], ["index:write:7"], []):
        response = session_of(grace).patch(url(grace), {"permissions": permissions})
        assert (response.status_code, response.json()["detail"]) == (403, NOT_ONES_OWN)
    kept = session_of(grace).patch(url(grace), {"role": "viewer", "permissions": ["index:write:7"]})
    assert kept.status_code == 403
    assert session_of(grace).patch(url(grace), {"permissions": EXTRAS}).status_code == 200
    assert session_of(grace).patch(url(grace), {"role": "viewer"}).json()["permissions"] == []


def test_an_owner_who_hands_over_keeps_none(owner: Membership, grace: Membership) -> None:
    Membership.objects.filter(pk=owner.pk).update(permissions=["index:write:7"])
    body = {"memberId": grace.public_id}
    session_of(owner).post("/api/v1/organization/transfer-ownership", body)
    owner.refresh_from_db()
    assert (owner.role, owner.permissions) == (Role.ADMIN, [])


def test_the_answer_lists_what_may_do_more_than_the_member(session: APIClient, grace: Membership) -> None:
    wide = make_token(grace, "wide", ["tokens.manage", "index:read:*"]).token
    make_token(grace, "narrow", ["index:read:*"])
    program = make_program(grace, name="importer", scopes=["events:write:*", "index:read:*"])
    assert session.patch(url(grace), {}).json()["exceeding"] == {"tokens": [], "clients": []}
    found = session.patch(url(grace), {"role": "viewer"}).json()["exceeding"]
    assert found == {
        "tokens": [{"id": wide.public_id, "name": "wide", "permissions": ["tokens.manage"]}],
        "clients": [{"id": program.id, "name": "importer", "permissions": ["events:write:*"]}],
    }


def test_tokens_are_revoked_and_handed_over_in_the_same_call(
    session: APIClient, owner: Membership, grace: Membership
) -> None:
    ended, moved, kept = (make_token(grace, name, ["tokens.manage"]) for name in ("ended", "moved", "kept"))
    program = make_program(grace, scopes=["events:write:*"])
    wish = {
        "role": "viewer",
        "revokeTokens": [ended.token.public_id],
        "transferTokens": {moved.token.public_id: owner.public_id},
        "transferClients": {program.id: owner.public_id},
    }
    found = session.patch(url(grace), wish).json()["exceeding"]
    assert [one["name"] for one in found["tokens"]] == ["kept"]
    assert found["clients"] == []
    assert [works(one) for one in (ended, moved, kept)] == [False, True, True]
    assert changes(owner.organization, "token.revoked") == [{"reason": ROLE_LOWERED}]


def test_only_the_members_own_tokens_are_revoked(
    session: APIClient, owner: Membership, grace: Membership
) -> None:
    for token in (make_token(owner), make_token(make_member())):
        wish = {"role": "viewer", "revokeTokens": [token.token.public_id]}
        response = session.patch(url(grace), wish)
        assert (response.status_code, response.json()["code"]) == (404, errors.NOT_FOUND.code)
        assert works(token)
    assert Membership.objects.get(pk=grace.pk).role == Role.ADMIN


def test_the_page_asks_which_permissions_stay_and_shows_what_exceeds(
    owner: Membership, grace: Membership
) -> None:
    wide = make_token(grace, "wide", ["tokens.manage"])
    make_program(grace, name="importer", scopes=["events:write:*"])
    browser = fresh_browser_of(owner.user)
    before = browser.get(page(grace)).content.decode()
    assert "More than the member" not in before
    assert 'name="keep" value="index:write:7"' in before
    form = {"role": "viewer", "permissions": [*EXTRAS], "only:index:write:*": "7"}
    after = browser.post(page(grace), form | {"keep": ["index:write:7"]}, follow=True).content.decode()
    assert "1 API token and 1 OAuth client are allowed more than the member" in after
    assert after.count("More than the member") == 2
    assert "with the role admin or higher" in after
    assert "with the role member or higher" in after
    assert works(wide)


def test_ticked_permissions_that_are_not_kept_by_name_end(owner: Membership, grace: Membership) -> None:
    form = {"role": "viewer", "permissions": ["account:admin:*", "index:write:*"], "only:index:write:*": "7"}
    fresh_browser_of(owner.user).post(page(grace), form | {"keep": ["index:write:7"]})
    assert held(grace) == ["index:write:7"]


def test_tokens_and_clients_are_revoked_and_handed_over_on_the_page(
    owner: Membership, grace: Membership
) -> None:
    ended, moved = make_token(grace, "ended"), make_token(grace, "moved")
    program = make_program(grace)
    form = {
        "role": "viewer",
        "revoke": [ended.token.public_id],
        "token": [moved.token.public_id],
        "client": [program.id],
        "recipient": owner.public_id,
    }
    browser_of(owner.user).post(page(grace), form)
    moved.token.refresh_from_db()
    program.row.refresh_from_db()
    assert (works(ended), works(moved)) == (False, True)
    assert {moved.token.responsible_id, program.row.responsible_id} == {owner.pk}


def test_ones_own_page_offers_no_permissions(grace: Membership) -> None:
    browser = browser_of(grace.user)
    html = browser.get(page(grace)).content.decode()
    assert 'name="permissions"' not in html
    assert 'name="keep"' not in html
    assert "You cannot change your own permissions" in html
    browser.post(page(grace), {"role": "admin", "permissions": ["index:write:*"]})
    assert held(grace) == EXTRAS
    browser.post(page(grace), {"role": "viewer"})
    assert held(grace) == []
