"""The end of every credential of one organization, in one call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.audit.models import AuditEvent
from accounts.errors import APIError
from accounts.members import invitations
from accounts.models import Invitation, Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, make_member, make_token
from tests.support.sessions import opened
from tests.support.team import make_invited, make_proven
from tests.tokens.oauth.calls import Program, ask, make_program, whoami
from tokens.lifecycle.revoke_since import Event, Selection, affected
from tokens.models import ServiceAccountToken
from tokens.oauth import clients

pytestmark = pytest.mark.django_db
URL = "/api/v1/organization/revoke-all"


def test_everything_of_the_organization_ends_and_is_counted(owner: Membership, api: APIClient) -> None:
    importer = make_program(owner)
    member = make_member(owner.organization, Role.VIEWER)
    tokens = [
        make_token(owner).plaintext,
        importer.grant()["access_token"],
        importer.grant()["access_token"],
        opened(owner).access_token,
        opened(member).access_token,
        opened(member).access_token,
    ]
    make_token(owner, expires_in_days=1, now=timezone.now() - timedelta(days=2))
    others = [make_token(make_member()).plaintext, make_program().grant()["access_token"]]
    response = api.post(URL)
    # The caller's own token is the second one.
    assert (response.status_code, response.json()) == (
        200,
        {"tokens": 2, "clientSecrets": 1, "clientGrants": 2, "sessions": 3, "invitations": 0},
    )
    assert {whoami(token).json()["code"] for token in tokens} == {"token_revoked"}
    assert {whoami(token).status_code for token in others} == {200}
    assert api.post(URL).status_code == 401
    reasons = ServiceAccountToken.objects.exclude(revoked_at=None).values_list("revoked_reason", flat=True)
    assert set(reasons) == {"All credentials of the organization were revoked"}


def test_a_client_secret_ends_and_the_client_goes_on_with_a_new_one(
    owner: Membership, api: APIClient
) -> None:
    importer = make_program(owner)
    clients.rotate_secret(client=importer.row, actor=actor(owner))
    other = make_program()
    assert api.post(URL).json()["clientSecrets"] == 2
    refused = ask(grant_type="client_credentials", **importer.body)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    made = clients.rotate_secret(client=importer.row, actor=actor(owner))
    assert whoami(Program(made.client, made.plaintext).grant()["access_token"]).status_code == 200
    assert whoami(other.grant()["access_token"]).status_code == 200


def test_people_may_sign_in_again(owner: Membership, api: APIClient) -> None:
    api.post(URL)
    assert whoami(opened(owner).access_token).status_code == 200


def test_an_invitation_made_with_a_stolen_token_no_longer_works(owner: Membership) -> None:
    stolen = program(make_token(owner, permissions=["*:*:*"]))
    body = {"email": "mallory@example.com", "role": "owner"}
    assert stolen.post("/api/v1/invitations", body, format="json").status_code in (201, 403)
    invited = make_invited(owner, "mallet@example.com", Role.OWNER)
    elsewhere = make_invited(make_member())
    number = Invitation.objects.open().filter(organization=owner.organization).count()
    assert program(make_token(owner, permissions=["*:*:*"])).post(URL).json()["invitations"] == number
    with pytest.raises(APIError, match="invitation_gone"):
        invitations.accept(secret=invited.secret, user=make_proven("mallet@example.com"))
    assert not Invitation.objects.open().filter(organization=owner.organization).exists()
    assert Invitation.objects.open().filter(pk=elsewhere.invitation.pk).exists()


def test_the_audit_log_says_what_ended(owner: Membership, api: APIClient) -> None:
    make_program(owner)
    make_invited(owner)
    api.post(URL)
    event = AuditEvent.objects.get(action="organization.revoked_all")
    assert event.changes == {
        "tokens": 1,
        "clientSecrets": 1,
        "clientGrants": 0,
        "sessions": 0,
        "invitations": 1,
    }
    assert AuditEvent.objects.filter(action="invitation.revoked").count() == 1


def test_after_a_restore_its_repetition_ends_the_same(owner: Membership, api: APIClient) -> None:
    """An export that names the act ends all that it ended, whenever made."""
    make_program(owner)
    make_invited(owner)
    target = owner.organization.public_id
    later = timezone.now() + timedelta(days=1)
    found = affected([Event(later, "organization.revoked_all", "organization", target, "")])
    counted = Selection(later, found).counts()
    assert (counted.tokens, counted.client_secrets, counted.invitations) == (1, 1, 1)


@pytest.mark.parametrize("permissions", [["organization.view"], ["tokens.manage", "clients.manage"]])
def test_only_who_manages_the_organization_may_do_it(owner: Membership, permissions: list[str]) -> None:
    token = make_token(owner, permissions=permissions).plaintext
    response = program(token).post(URL)
    assert (response.status_code, response.json()["required"]) == (403, ["organization.manage"])
    assert whoami(token).status_code == 200


def test_a_session_and_a_client_may_do_it_within_their_rights(owner: Membership) -> None:
    importer = make_program(owner, scopes=["organization.manage"])
    assert program(importer.grant()["access_token"]).post(URL).status_code == 200
    assert program(opened(owner).access_token).post(URL).json()["sessions"] == 1
    viewer = make_member(owner.organization, Role.VIEWER)
    assert program(opened(viewer).access_token).post(URL).status_code == 403
