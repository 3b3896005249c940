"""Removal with all that hangs on a member: what others take over goes on, the rest ends at once."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts import errors
from accounts.audit import log
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_token
from tests.support.sessions import make_person, opened, refresh, session_of
from tests.support.team import changes, trail
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.models import Grant, ServiceAccountToken, TokenSecret
from tokens.models.service_account import REMOVED
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(owner: Membership) -> Membership:
    return make_person(owner.organization, Role.ADMIN, name="Xenia")


@pytest.fixture
def session(owner: Membership) -> APIClient:
    return session_of(owner)


def remove(session: APIClient, member: Membership, **transfers: str) -> object:
    body = {"transferTokens": transfers} if transfers else None
    return session.delete(f"/api/v1/members/{member.public_id}", body)


def works(issued: Issued) -> bool:
    return isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)


def test_everything_of_theirs_here_ends_and_nothing_elsewhere(
    session: APIClient, owner: Membership, admin: Membership
) -> None:
    tokens = [make_token(admin, f"hers {number}") for number in range(3)]
    elsewhere = make_member(user=admin.user)
    kept = make_token(elsewhere)
    here, there = (
        opened(admin),
        opened(Membership.objects.select_related("organization").get(pk=elsewhere.pk)),
    )
    browser = browser_of(admin.user)

    assert remove(session, admin).status_code == 204

    assert [token_lookup.authenticate_token(one.plaintext) for one in tokens] == [errors.TOKEN_REVOKED] * 3
    assert program(here.access_token).get("/api/v1/identity").status_code == 401
    assert refresh(here.refresh_token).status_code == 401
    assert Grant.objects.get(pk=here.grant.pk).revoked_reason == REMOVED
    assert works(kept)
    assert program(there.access_token).get("/api/v1/identity").status_code == 200
    assert browser.get("/settings/tokens/").status_code == 200
    assert trail(owner.organization)[3:] == [
        ("member.removed", "user", "Xenia"),
        *[("token.revoked", "user", f"hers {number}") for number in range(3)],
    ]
    assert changes(owner.organization, "token.revoked")[0] == {"reason": REMOVED}
    assert log.first_broken(owner.organization_id) is None


def test_chosen_tokens_change_who_answers_and_nothing_else(
    session: APIClient, owner: Membership, admin: Membership
) -> None:
    taken, left = make_token(admin, "taken"), make_token(admin, "left")
    before = ServiceAccountToken.objects.values().get(pk=taken.token.pk)

    answer = remove(session, admin, **{taken.token.public_id: owner.public_id})

    assert answer.status_code == 204
    assert (works(taken), works(left)) == (True, False)
    assert TokenSecret.objects.get(token=taken.token).known_to == "Xenia"
    after = ServiceAccountToken.objects.values().get(pk=taken.token.pk)
    assert after == before | {"responsible_id": owner.pk}
    results = session.get(f"/api/v1/tokens/{taken.token.public_id}").json()
    assert results["responsible"]["memberId"] == owner.public_id
    assert results["createdBy"]["id"] == admin.user.public_id
    [change] = changes(owner.organization, "token.transferred")
    assert change["responsible"][1].endswith(f"({owner.public_id})")


def test_one_who_cannot_take_a_token_over_is_told_why_and_nobody_is_removed(
    session: APIClient, owner: Membership, admin: Membership
) -> None:
    token = make_token(admin, permissions=["tokens.manage"])
    strong = make_token(owner, permissions=["account:admin:*"])
    viewer = make_member(owner.organization, Role.VIEWER)
    # The viewer holds all of it, but may not manage tokens.
    plain = make_token(admin, permissions=[viewer.scopes.texts[0]])
    helper = make_member(owner.organization, Role.VIEWER, permissions=["tokens.manage"])
    locked_out = make_member(owner.organization, Role.ADMIN)
    locked_out.user.is_active = False
    locked_out.user.save()
    wide = make_token(admin, permissions=["members.manage"])
    for issued, taker in (
        *((token, viewer), (plain, viewer), (token, admin), (token, locked_out)),
        *((strong, owner), (wide, helper)),
    ):
        response = remove(session, admin, **{issued.token.public_id: taker.public_id})
        assert response.status_code == 400
        assert response.json()["fields"].keys() == {f"transferTokens.{issued.token.public_id}"}
    assert Membership.objects.filter(pk=admin.pk).exists()
    assert works(token)


@pytest.mark.parametrize("which", ["token", "member", "malformed"])
def test_another_organizations_ids_are_not_found(
    session: APIClient, owner: Membership, admin: Membership, which: str
) -> None:
    stranger = make_member()
    theirs, ours = make_token(stranger).token.public_id, make_token(admin).token.public_id
    transfers = {
        "token": {theirs: owner.public_id},
        "member": {ours: stranger.public_id},
        "malformed": {ours: "mem_x"},
    }[which]
    response = remove(session, admin, **transfers)
    assert (response.status_code, response.json()) == (404, {"error": "Not found", "code": "not_found"})
    assert Membership.objects.filter(pk=admin.pk).exists()


def test_taking_over_takes_the_right_to_manage_tokens(owner: Membership) -> None:
    viewer = make_member(owner.organization, Role.VIEWER)
    helper = make_member(owner.organization, Role.VIEWER, permissions=["members.manage"])
    issued = make_token(owner)
    ServiceAccountToken.objects.filter(pk=issued.token.pk).update(responsible=viewer)
    response = remove(session_of(helper), viewer, **{issued.token.public_id: owner.public_id})
    assert (response.status_code, response.json()["required"]) == (403, ["tokens.manage"])


def test_a_revoked_or_expired_token_is_not_taken_over(
    session: APIClient, owner: Membership, admin: Membership
) -> None:
    issued = make_token(admin)
    session.delete(f"/api/v1/tokens/{issued.token.public_id}")
    assert remove(session, admin, **{issued.token.public_id: owner.public_id}).status_code == 400


def test_a_lower_role_leaves_the_tokens_running(session: APIClient, admin: Membership) -> None:
    issued = make_token(admin)
    session.patch(f"/api/v1/members/{admin.public_id}", {"role": "viewer"})
    assert works(issued)


def test_a_removal_in_the_admin_stands_in_the_organizations_log(
    staff: Client, owner: Membership, admin: Membership
) -> None:
    make_token(admin, "hers")
    staff.post(f"/admin/accounts/membership/{admin.pk}/delete/", {"post": "yes"})
    assert trail(owner.organization)[1:] == [
        ("member.removed", "staff", "Xenia"),
        ("token.revoked", "staff", "hers"),
    ]


def test_a_deactivation_stands_in_the_log_of_every_organization(
    staff: Client, owner: Membership, admin: Membership
) -> None:
    elsewhere = make_member(user=admin.user)
    make_member(elsewhere.organization)
    make_token(elsewhere, "there")
    form = {"action": "deactivate", "_selected_action": admin.user_id, "confirmed": "yes"}
    staff.post("/admin/accounts/user/", form)
    assert trail(owner.organization) == [("user.deactivated", "staff", "Xenia")]
    assert trail(elsewhere.organization)[1:] == [
        ("token.revoked", "staff", "there"),
        ("user.deactivated", "staff", "Xenia"),
    ]
    for organization in (owner.organization, elsewhere.organization):
        assert log.first_broken(organization.pk) is None
