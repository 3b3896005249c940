"""/api/v1/invitations: who may see, make, resend and take back; and accepting by a session."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts.models import Invitation, Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.support.sessions import make_person, session_of
from tests.support.team import make_invited

URL = "/api/v1/invitations"
WISH = {"email": "Grace@Example.com", "role": "admin"}


@pytest.fixture
def session(owner: Membership) -> APIClient:
    return session_of(owner)


def test_an_invitation_is_made_and_mailed_and_the_link_is_in_the_mail_alone(
    session: APIClient, owner: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = session.post(URL, WISH)
    assert response.status_code == 201
    body = response.json()
    one = Invitation.objects.get()
    times = {"createdAt", "sentAt", "expiresAt"}
    assert body.keys() == {"id", "email", "role", "status", "invitedBy", "delivery"} | times
    assert (body["id"], body["email"], body["role"]) == (one.public_id, "grace@example.com", "admin")
    assert (body["status"], body["invitedBy"]["id"]) == ("pending", owner.user.public_id)
    secret = str(mail.outbox[0].body).partition("/accounts/invitations/")[2].partition("/")[0]
    assert len(secret) == 43
    for answer in (response, session.get(URL)):
        assert secret not in answer.content.decode()


def test_the_list_holds_what_is_open_with_where_it_stands(session: APIClient, owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    late = make_invited(owner, "late@example.com").invitation
    lapsed = make_invited(admin, "lapsed@example.com").invitation
    taken = make_invited(owner, "taken@example.com").invitation
    make_invited(make_member(), "elsewhere@example.com")
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(days=1))
    Membership.objects.filter(pk=admin.pk).update(role=Role.VIEWER)
    session.delete(f"{URL}/{taken.public_id}")
    found = {one["email"]: one["status"] for one in session.get(URL).json()["results"]}
    assert found == {"lapsed@example.com": "lapsed", "late@example.com": "expired"}
    assert lapsed.public_id in session.get(URL).content.decode()


def test_many_cost_as_much_as_one(
    session: APIClient, owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        make_invited(owner, f"one{number}@example.com")
    session.get(URL)
    # 1: the bearer; 2: invitations with their people and organization.
    with django_assert_num_queries(2):
        session.get(URL)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "role"}),
        ({"email": "x", "role": "king"}, {"email", "role"}),
        ({"email": ["a@example.com"], "role": ["viewer"]}, {"email", "role"}),
        ({"email": "a@example.com", "role": "viewer", "link": "x"}, {"link"}),
        ({"email": "a@example.com\r\nBcc: b@example.com", "role": "viewer"}, {"email"}),
    ],
)
def test_a_wish_that_cannot_be_is_told_field_by_field(
    session: APIClient, body: dict[str, object], fields: set[str]
) -> None:
    response = session.post(URL, body)
    assert (response.status_code, response.json()["fields"].keys()) == (400, fields)


@pytest.mark.parametrize(("role", "seen"), [("admin", 200), ("member", 200), ("viewer", 200)])
def test_looking_takes_members_view_and_making_members_manage(
    owner: Membership, role: str, seen: int
) -> None:
    client = session_of(make_member(owner.organization, role))
    one = make_invited(owner, "first@example.com").invitation
    allowed = role == "admin"
    assert client.get(URL).status_code == seen
    made = client.post(URL, {"email": "grace@example.com", "role": "viewer"})
    assert made.status_code == (201 if allowed else 403)
    assert client.post(f"{URL}/{one.public_id}/resend").status_code == (200 if allowed else 403)
    assert client.delete(f"{URL}/{one.public_id}").status_code == (204 if allowed else 403)


def test_an_admin_does_not_invite_an_owner(owner: Membership) -> None:
    client = session_of(make_member(owner.organization, Role.ADMIN))
    response = client.post(URL, WISH | {"role": "owner"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_resending_renews_it_and_a_revoked_one_is_gone(session: APIClient, owner: Membership) -> None:
    one = make_invited(owner).invitation
    again = session.post(f"{URL}/{one.public_id}/resend").json()
    assert again["id"] == one.public_id
    assert again["expiresAt"] > session.get("/api/v1/identity").json()["sessionExpiresAt"][:10]
    for _ in range(2):
        assert session.delete(f"{URL}/{one.public_id}").status_code == 204
    gone = session.post(f"{URL}/{one.public_id}/resend")
    assert (gone.status_code, gone.json()["code"]) == (410, "invitation_gone")


def test_a_session_accepts_once_and_then_it_is_gone(owner: Membership) -> None:
    grace = make_person(email="grace@example.com")
    client = session_of(grace)
    secret = make_invited(owner, role=Role.ADMIN).secret
    response = client.post(f"{URL}/accept", {"token": secret})
    joined = Membership.objects.get(organization=owner.organization, user=grace.user)
    assert response.json() == {
        "memberId": joined.public_id,
        "role": "admin",
        "organizationId": owner.organization.public_id,
        "organizationName": owner.organization.name,
    }
    again = client.post(f"{URL}/accept", {"token": secret})
    assert (again.status_code, again.json()["code"]) == (410, "invitation_gone")


def test_another_persons_session_is_refused_with_the_reason(owner: Membership) -> None:
    secret = make_invited(owner).secret
    response = session_of(make_person()).post(f"{URL}/accept", {"token": secret})
    assert response.status_code == 403
    assert response.json()["detail"] == "The invitation is for another e-mail address."


def test_a_program_accepts_nothing(api: APIClient, owner: Membership) -> None:
    response = api.post(f"{URL}/accept", {"token": make_invited(owner).secret})
    assert (response.status_code, response.json()["code"]) == (403, "session_required")


def test_an_invitation_is_no_bearer(owner: Membership) -> None:
    assert program(make_invited(owner).secret).get(URL).status_code == 401


def test_another_organizations_is_not_found(session: APIClient) -> None:
    stranger = make_member()
    one = make_invited(stranger).invitation
    for response in (
        session.delete(f"{URL}/{one.public_id}"),
        session.post(f"{URL}/{one.public_id}/resend"),
    ):
        assert (response.status_code, response.json()) == (404, {"error": "Not found", "code": "not_found"})
    assert Invitation.objects.get().revoked_at is None


def test_a_token_that_was_revoked_meanwhile_invites_nobody(owner: Membership) -> None:
    issued = make_token(owner, permissions=["*:*:*"])
    client = program(issued)
    assert client.post(URL, WISH).status_code == 201
    client.delete(f"/api/v1/tokens/{issued.token.public_id}")
    assert client.post(URL, WISH).status_code == 401
