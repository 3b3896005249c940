"""PATCH and DELETE /api/v1/members/{id}, and the hand-over of the organization."""

from __future__ import annotations

import pytest
from django.core import mail
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts import errors
from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.support.sessions import session_of
from tests.support.team import changes, trail
from tokens.credentials import token_lookup
from tokens.models import ServiceAccountToken

RANKS = [Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER]


def url(member: Membership) -> str:
    return f"/api/v1/members/{member.public_id}"


def generation(owner: Membership) -> int:
    return Organization.objects.get(pk=owner.organization_id).generation


@pytest.fixture
def session(owner: Membership) -> APIClient:
    return session_of(owner)


def test_a_role_is_changed_told_recorded_and_mailed(
    session: APIClient, owner: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    grace = make_member(owner.organization, Role.VIEWER)
    before = generation(owner)
    with django_capture_on_commit_callbacks(execute=True):
        response = session.patch(url(grace), {"role": "admin"})
    assert (response.status_code, response.json()["role"]) == (200, "admin")
    assert response.json()["user"]["id"] == grace.user.public_id
    assert changes(owner.organization, "member.role_changed") == [{"role": ["viewer", "admin"]}]
    assert generation(owner) == before + 1
    [email] = mail.outbox
    assert (email.to, "an admin" in str(email.body)) == ([grace.user.email], True)


def test_a_repeat_changes_and_records_nothing(session: APIClient, owner: Membership) -> None:
    grace = make_member(owner.organization, Role.ADMIN)
    before = generation(owner)
    for body in ({"role": "admin"}, {"permissions": []}, {}):
        assert session.patch(url(grace), body).status_code == 200
    assert (trail(owner.organization), generation(owner)) == ([], before)


def test_a_lower_role_bites_at_the_next_request(session: APIClient, owner: Membership) -> None:
    grace = make_member(owner.organization, Role.ADMIN)
    hers = session_of(grace)
    wish = {"name": "CI", "permissions": ["index:read:*"]}
    assert hers.post("/api/v1/tokens", wish).status_code == 201
    session.patch(url(grace), {"role": "viewer"})
    for _ in range(3):
        assert hers.post("/api/v1/tokens", wish).status_code == 403


def test_permissions_beyond_the_role_are_given_and_taken(session: APIClient, owner: Membership) -> None:
    viewer = make_member(owner.organization, Role.VIEWER)
    theirs = session_of(viewer)
    given = ["tokens.manage", "index:write:0199"]
    assert session.patch(url(viewer), {"permissions": [*given, given[0]]}).json()["permissions"] == given
    assert theirs.post("/api/v1/tokens", {"name": "CI", "permissions": ["tokens.view"]}).status_code == 201
    session.patch(url(viewer), {"permissions": []})
    assert theirs.post("/api/v1/tokens", {"name": "CI 2", "permissions": ["tokens.view"]}).status_code == 403
    assert changes(owner.organization, "member.permissions_changed") == [
        {"permissions": [[], given]},
        {"permissions": [given, []]},
    ]


def test_nobody_gives_what_they_do_not_hold_but_may_keep_what_others_gave(owner: Membership) -> None:
    admin = session_of(make_member(owner.organization, Role.ADMIN))
    viewer = make_member(owner.organization, Role.VIEWER, permissions=["account:admin:*"])
    refused = admin.patch(url(viewer), {"permissions": ["account:admin:*", "index:admin:*"]})
    assert (refused.status_code, refused.json()["required"]) == (403, ["index:admin:*"])
    kept = admin.patch(url(viewer), {"permissions": ["account:admin:*", "tokens.manage"]})
    assert kept.status_code == 200


@pytest.mark.parametrize("body", [{"role": "king"}, {"role": None}, {"permissions": ["x"]}, {"name": "x"}])
def test_what_cannot_be_is_told_field_by_field(
    session: APIClient, owner: Membership, body: dict[str, object]
) -> None:
    response = session.patch(url(make_member(owner.organization, Role.VIEWER)), body)
    assert response.status_code == 400
    assert {name.partition(".")[0] for name in response.json()["fields"]} == body.keys()


@pytest.mark.parametrize("role", RANKS)
@pytest.mark.parametrize("target", RANKS)
@pytest.mark.parametrize("wanted", RANKS)
def test_nobody_acts_above_their_level(owner: Membership, role: Role, target: Role, wanted: Role) -> None:
    """The target's role now and the new one are both compared with the actor's."""
    actor = make_member(owner.organization, role)
    other = make_member(owner.organization, target)
    manages = role in (Role.OWNER, Role.ADMIN)
    reaches = not target.outranks(role) and not wanted.outranks(role)
    response = session_of(actor).patch(url(other), {"role": wanted})
    assert response.status_code == (200 if manages and reaches else 403)
    other.refresh_from_db()
    assert other.role == (wanted if manages and reaches else target)


@pytest.mark.parametrize("role", RANKS[1:])
def test_nobody_raises_themselves(owner: Membership, role: Role) -> None:
    me = make_member(owner.organization, role, permissions=["members.manage"])
    mine = session_of(me)
    higher = RANKS[RANKS.index(role) - 1]
    assert mine.patch(url(me), {"role": higher}).status_code == 403
    assert mine.patch(url(me), {"permissions": ["*:*:*"]}).status_code in (400, 403)
    me.refresh_from_db()
    assert (me.role, me.permissions) == (role, ["members.manage"])


def test_a_token_acts_below_owners_unless_it_may_do_everything(owner: Membership) -> None:
    other = make_member(owner.organization)
    admin = make_member(owner.organization, Role.ADMIN)
    limited = program(make_token(owner, permissions=["members.manage", "tokens.manage"]))
    for refused in (
        limited.patch(url(other), {"role": "viewer"}),
        limited.delete(url(other)),
        limited.patch(url(admin), {"role": "owner"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    viewer = make_member(owner.organization, Role.VIEWER)
    raised = limited.patch(url(viewer), {"role": "member"})
    assert (raised.status_code, raised.json()["code"]) == (403, "insufficient_scope")
    assert limited.patch(url(admin), {"role": "viewer"}).status_code == 200
    full = program(make_token(owner, permissions=["*:*:*"]))
    assert full.patch(url(other), {"role": "viewer"}).status_code == 200


def test_the_last_owner_stays_exactly_so(session: APIClient, owner: Membership) -> None:
    deactivated = make_member(owner.organization)
    deactivated.user.is_active = False
    deactivated.user.save()
    for response in (
        session.patch(url(owner), {"role": "admin"}),
        session.delete(url(owner)),
    ):
        assert response.status_code == 409
        body = response.json()
        assert body.pop("detail")
        assert body == {"error": "An organization needs an owner", "code": "last_owner"}


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER])
def test_everybody_may_leave(owner: Membership, role: Role) -> None:
    me = make_member(owner.organization, role)
    mine = session_of(me)
    assert mine.delete(url(me)).status_code == 204
    assert mine.get("/api/v1/identity").json()["code"] == "token_revoked"
    assert trail(owner.organization) == [("member.left", "user", me.user.display_name)]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_removing_others_takes_the_permission(owner: Membership, role: Role) -> None:
    other = make_member(owner.organization, Role.VIEWER)
    response = session_of(make_member(owner.organization, role)).delete(url(other))
    assert (response.status_code, response.json()["required"]) == (403, ["members.manage"])


def test_ownership_is_handed_over_in_one_act(session: APIClient, owner: Membership) -> None:
    recipient = make_member(owner.organization, Role.VIEWER)
    response = session.post("/api/v1/organization/transfer-ownership", {"memberId": recipient.public_id})
    assert (response.status_code, response.json()["role"]) == (200, "owner")
    owner.refresh_from_db()
    assert owner.role == Role.ADMIN
    assert [action for action, _, _ in trail(owner.organization)] == ["member.role_changed"] * 2


def test_only_an_owner_in_person_hands_over_and_not_to_themselves(owner: Membership) -> None:
    path = "/api/v1/organization/transfer-ownership"
    admin = make_member(owner.organization, Role.ADMIN)
    body = {"memberId": admin.public_id}
    assert session_of(admin).post(path, body).status_code == 403
    assert program(make_token(owner, permissions=["*:*:*"])).post(path, body).status_code == 403
    mine = session_of(owner)
    assert mine.post(path, {"memberId": owner.public_id}).status_code == 400
    assert mine.post(path, {"memberId": make_member().public_id}).status_code == 404
    token = make_token(owner)
    assert not isinstance(token_lookup.authenticate_token(token.plaintext), errors.ErrorCode)
    assert ServiceAccountToken.objects.filter(revoked_at=None).count() == 2
