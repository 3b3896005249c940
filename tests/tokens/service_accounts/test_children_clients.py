"""OAuth clients, secrets and invitations of a program end no later than the program, and with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.members import invitations
from accounts.models import Invitation, Membership
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_token
from tests.support.team import changes
from tests.tokens.oauth.calls import Program, ask, make_program
from tokens.models import Grant, OAuthClient, ServiceAccountToken
from tokens.models.client import RefreshAuth
from tokens.oauth import clients
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import PARENT_DELETED, PARENT_REVOKED, revoke

pytestmark = pytest.mark.django_db
CLIENTS, TOKENS = "/api/v1/clients", "/api/v1/tokens"
MAKER = ["clients.manage", "tokens.manage", "members.manage", "members.view", "index:read:*"]
NOT_ACTIVE = {"active": False}


@pytest.fixture
def parent(owner: Membership) -> Issued:
    return make_token(owner, "parent", MAKER, expires_in_days=1)


def client_of(bearer: str | Issued, name: str = "child", **wish: Any) -> Program:
    response = program(bearer).post(CLIENTS, {"name": name, "scopes": MAKER, **wish})
    assert response.status_code == 201, response.content
    return Program(OAuthClient.objects.get(name=name), response.json()["clientSecret"])


def rotated_by(bearer: str | Issued, client: Program) -> Program:
    response = program(bearer).post(f"{CLIENTS}/{client.id}/rotate-secret", {})
    assert response.status_code == 200, response.content
    return Program(client.row, response.json()["clientSecret"])


def exchange(client: Program) -> Any:
    return ask(grant_type="client_credentials", **client.body)


def status_of(bearer: str) -> int:
    return int(program(bearer).get("/api/v1/identity").status_code)


def end(owner: Membership, token: Issued) -> None:
    revoke(token=token.token, actor=actor(owner), reason="leaked")


def test_a_client_ends_with_the_token_that_created_it(owner: Membership, parent: Issued) -> None:
    child = client_of(parent)
    access = child.grant()["access_token"]
    grandchild = client_of(access, "grandchild")
    end(owner, parent)
    for ended in (child, grandchild):
        ended.row.refresh_from_db()
        assert ended.row.deleted_at is not None
        assert exchange(ended).status_code == 401
    assert status_of(access) == 401
    assert not Grant.objects.filter(client=child.row, revoked_at=None).exists()
    results = changes(owner.organization, "client.deleted")
    assert [one["reason"] for one in results] == [PARENT_REVOKED, PARENT_DELETED]


def test_a_client_expires_with_the_token_that_created_it(owner: Membership, parent: Issued) -> None:
    child = client_of(parent, refreshAuth=RefreshAuth.ROTATION_ONLY)
    first = child.grant()
    assert child.row.expires_at == parent.token.expires_at
    assert Grant.objects.get(client=child.row).expires_at == parent.token.expires_at
    other = make_program(owner)
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert exchange(child).status_code == 401
        refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        assert ask(client_id=child.id, **refresh).status_code == 401
        found = ask("/v1/auth/introspect", token=first["refresh_token"], **other.body).json()
        assert found == NOT_ACTIVE
        assert status_of(first["access_token"]) == 401


def test_what_an_expiring_client_creates_expires_no_later(parent: Issued) -> None:
    access = client_of(parent).grant()["access_token"]
    assert client_of(access, "grandchild").row.expires_at == parent.token.expires_at
    wish = {"name": "token", "permissions": ["index:read:*"], "expiresInDays": None}
    assert program(access).post(TOKENS, wish).status_code == 201
    assert ServiceAccountToken.objects.get(name="token").expires_at == parent.token.expires_at


def test_a_client_ends_with_the_client_that_created_it(owner: Membership) -> None:
    maker = make_program(owner, name="maker", scopes=MAKER)
    child = client_of(maker.grant()["access_token"])
    clients.delete(client=maker.row, actor=actor(owner))
    assert exchange(child).status_code == 401


def test_a_secret_that_a_token_asked_for_is_revoked_with_it(owner: Membership, parent: Issued) -> None:
    before = make_program(owner, scopes=MAKER)
    after = rotated_by(parent, before)
    access = after.grant()["access_token"]
    by_hand = make_token(owner).token
    stolen = program(access).post(
        TOKENS, {"name": "stolen", "permissions": ["index:read:*"], "expiresInDays": None}
    )
    assert stolen.status_code == 201
    end(owner, parent)
    assert exchange(after).status_code == 401
    assert exchange(before).status_code == 200
    assert status_of(access) == 401
    assert status_of(stolen.json()["token"]) == 401
    by_hand.refresh_from_db()
    assert by_hand.revoked_at is None
    (results,) = changes(owner.organization, "client.secret_ended")
    assert results == {"lastFour": after.secret[-4:], "grantsEnded": 1, "reason": PARENT_REVOKED}


def test_a_secret_that_a_token_asked_for_expires_with_it(owner: Membership, parent: Issued) -> None:
    after = rotated_by(parent, make_program(owner, scopes=MAKER))
    first = after.grant()
    access = first["access_token"]
    child = client_of(access)
    assert child.row.expires_at == parent.token.expires_at
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert exchange(after).status_code == 401
        assert status_of(access) == 401


def test_a_later_rotation_does_not_free_what_the_secret_opened(owner: Membership, parent: Issued) -> None:
    after = rotated_by(parent, make_program(owner, scopes=MAKER))
    access = after.grant()["access_token"]
    fresh = clients.rotate_secret(client=after.row, actor=actor(owner), overlap_seconds=0)
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        again = clients.rotate_secret(client=after.row, actor=actor(owner), overlap_seconds=60)
        mine = Program(after.row, again.plaintext).grant()["access_token"]
        end(owner, parent)
        assert status_of(access) == 401
        assert status_of(mine) == 200
        assert exchange(Program(after.row, fresh.plaintext)).status_code == 200


def test_a_persons_secret_has_no_end(owner: Membership) -> None:
    made = make_program(owner)
    clients.rotate_secret(client=made.row, actor=actor(owner))
    assert [secret.expires_at for secret in made.row.secrets.all()] == [None, None]
    assert made.row.expires_at is None


def test_two_clients_that_gave_each_other_secrets_end_once(owner: Membership) -> None:
    one, two = (make_program(owner, name=name, scopes=MAKER) for name in ("one", "two"))
    rotated_by(one.grant()["access_token"], two)
    rotated_by(two.grant()["access_token"], one)
    clients.revoke_tokens(client=one.row, actor=actor(owner))
    results = changes(owner.organization, "client.secret_ended")
    assert len(results) == 2
    assert exchange(one).status_code == exchange(two).status_code == 200


@pytest.mark.parametrize("by_client", [False, True])
def test_an_invitation_is_revoked_with_the_program_that_sent_it(owner: Membership, by_client: bool) -> None:
    rights = [*MAKER, *role_scopes(Role.VIEWER).texts]
    sender = make_token(owner, permissions=rights)
    bearer: str | Issued = sender
    if by_client:
        bearer = make_program(owner, scopes=rights).grant()["access_token"]
    sent = program(bearer).post("/api/v1/invitations", {"email": "eve@example.com", "role": "viewer"})
    assert sent.status_code == 201, sent.content
    invitation = Invitation.objects.get()
    if by_client:
        clients.delete(client=OAuthClient.objects.get(), actor=actor(owner))
    else:
        end(owner, sender)
    invitation.refresh_from_db()
    assert invitation.status(timezone.now()) == "revoked"
    assert changes(owner.organization, "invitation.revoked") == [{"role": "viewer"}]


def test_an_invitation_that_a_person_sends_again_stays(owner: Membership) -> None:
    sender = make_token(owner, permissions=[*MAKER, *role_scopes(Role.VIEWER).texts])
    sent = program(sender).post("/api/v1/invitations", {"email": "grace@example.com", "role": "viewer"})
    assert sent.status_code == 201
    invited = invitations.invite(actor=actor(owner), email="grace@example.com", role=Role.VIEWER)
    end(owner, sender)
    invitation = Invitation.objects.get()
    assert invitations.is_good(invitation, timezone.now())
    assert invitations.find(invited.secret) == invitation


def test_the_record_and_the_pages_name_the_parent(owner: Membership, parent: Issued) -> None:
    child = client_of(parent, "the-child")
    reader = make_token(owner, permissions=["clients.view"])
    record = program(reader).get(f"{CLIENTS}/{child.id}").json()
    assert record["parent"] == {"type": "token", "id": parent.token.public_id, "name": "parent"}
    assert record["expiresAt"] == record["secrets"][0]["validUntil"] is not None
    browser = browser_of(owner.user)
    page = browser.get(f"/settings/clients/{child.id}/").content.decode()
    assert f'href="/settings/tokens/{parent.token.public_id}/"' in page
    for path in ("", "revoke/"):
        page = browser.get(f"/settings/tokens/{parent.token.public_id}/{path}").content.decode()
        assert "the-child" in page
