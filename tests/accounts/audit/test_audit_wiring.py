"""Every act on clients, sessions and grants is one transaction with its event, which holds no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.audit import log
from accounts.audit.models import AuditEvent
from accounts.models import Index, Membership
from accounts.resources import indexes
from tests.support.people import actor
from tests.support.sessions import login, make_person, opened
from tests.support.team import changes
from tests.tokens.oauth.calls import Program, make_program
from tokens.grants import errors as grant_errors
from tokens.grants import rotation
from tokens.grants.errors import ReuseDetected
from tokens.grants.token_pair import TokenPair
from tokens.lifecycle.revoke_all import revoke_all
from tokens.models import ClientSecret, Grant, GrantKind, OAuthClient
from tokens.oauth import clients
from tokens.sessions import sessions


@dataclass
class Stage:
    """An organization with a client that holds a grant, a session and an index."""

    member: Membership
    program: Program
    granted: dict[str, Any]
    session: TokenPair
    index: Index

    @property
    def actor(self) -> Any:
        return actor(self.member)


@pytest.fixture
def stage(db: None) -> Stage:
    member = make_person(email="ann@example.com")
    program = make_program(member)
    granted = program.grant()
    index = indexes.create(organization_id=member.organization_id, name="Shop", actor=actor(member))
    return Stage(member, program, granted, opened(member), index)


def reuse(stage: Stage) -> None:
    rotated = rotation.rotate(stage.session.refresh_token, kinds=(GrantKind.SESSION,))
    rotation.rotate(rotated.refresh_token, kinds=(GrantKind.SESSION,))
    rotation.rotate(stage.session.refresh_token, kinds=(GrantKind.SESSION,))


ACTS: dict[str, Callable[[Stage], Any]] = {
    "client.created": lambda s: clients.create(actor=s.actor, name="New", scopes=["index:read:*"]),
    "client.updated": lambda s: clients.update(client=s.program.row, actor=s.actor, name="Other"),
    "client.secret_rotated": lambda s: clients.rotate_secret(client=s.program.row, actor=s.actor),
    "client.tokens_revoked": lambda s: clients.revoke_tokens(client=s.program.row, actor=s.actor),
    "client.deleted": lambda s: clients.delete(client=s.program.row, actor=s.actor),
    "index.created": lambda s: indexes.create(
        organization_id=s.member.organization_id, name="Next", actor=s.actor
    ),
    "index.changed": lambda s: indexes.rename(index=s.index, name="Store", actor=s.actor),
    "index.deleted": lambda s: indexes.delete(index=s.index, actor=s.actor),
    "organization.revoked_all": lambda s: revoke_all(actor=s.actor),
    "session.opened": lambda s: opened(s.member),
    "session.ended": lambda s: sessions.end(user_id=s.member.user_id, grant_id=s.session.grant.pk),
    "sessions.ended": lambda s: sessions.end_all(user_id=s.member.user_id),
}


def rows() -> str:
    """Everything that the acts change."""
    tables = (OAuthClient, ClientSecret, Grant, Index, AuditEvent)
    return repr([list(table._default_manager.order_by("pk").values_list()) for table in tables])


@pytest.mark.parametrize("action", ACTS)
def test_an_act_leaves_its_event(stage: Stage, action: str) -> None:
    before = AuditEvent.objects.count()
    ACTS[action](stage)

    event = AuditEvent.objects.latest("sequence")
    assert AuditEvent.objects.count() == before + 1
    assert event.action == action
    assert event.actor_id == stage.member.user.public_id
    assert log.first_broken(stage.member.organization_id) is None


@pytest.mark.parametrize("action", ACTS)
def test_without_its_event_there_is_no_act(
    stage: Stage, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows()

    def refuse(*_: Any) -> None:
        raise RuntimeError("The log cannot be written.")

    with monkeypatch.context() as broken:
        broken.setattr(log, "_append", refuse)
        with pytest.raises(RuntimeError, match="cannot be written"):
            ACTS[action](stage)

    assert rows() == before


def test_a_second_time_changes_nothing_and_records_nothing(stage: Stage) -> None:
    for action in ("session.ended", "client.tokens_revoked", "client.updated", "index.deleted"):
        ACTS[action](stage)
    before = AuditEvent.objects.count()
    for action in ("session.ended", "client.tokens_revoked", "client.updated", "index.deleted"):
        ACTS[action](stage)

    assert AuditEvent.objects.count() == before


def test_a_spent_refresh_token_that_comes_back_is_recorded_once(stage: Stage) -> None:
    with pytest.raises(ReuseDetected):
        reuse(stage)
    with pytest.raises(grant_errors.InvalidGrant):
        reuse(stage)

    events = AuditEvent.objects.filter(action="refresh.reuse_detected")
    assert [event.target_id for event in events] == [stage.session.grant.public_id]


def test_a_clients_grants_are_not_recorded_one_by_one(stage: Stage) -> None:
    before = AuditEvent.objects.count()
    stage.program.grant()

    assert AuditEvent.objects.count() == before


def test_what_changed_is_told(stage: Stage) -> None:
    clients.update(client=stage.program.row, actor=stage.actor, name="Loader", scopes=["index:read:*"])
    revoke_all(actor=stage.actor)
    organization = stage.member.organization

    assert changes(organization, "client.updated") == [
        {"name": ["Importer", "Loader"], "scopes": [["index:read:*", "events:write:*"], ["index:read:*"]]}
    ]
    assert changes(organization, "organization.revoked_all") == [
        {"tokens": 0, "clientSecrets": 1, "clientGrants": 1, "sessions": 1, "invitations": 0}
    ]


def test_no_event_holds_a_secret(stage: Stage) -> None:
    fresh = clients.rotate_secret(client=stage.program.row, actor=stage.actor).plaintext
    login("ann@example.com")
    sessions.end_all(user_id=stage.member.user_id)
    text = json.dumps(list(AuditEvent.objects.values("changes", "actor_name", "target_name", "target_id")))

    for secret in (
        *(stage.program.secret, fresh, stage.session.refresh_token, stage.session.access_token),
        *(stage.granted["access_token"], stage.granted["refresh_token"]),
    ):
        assert secret not in text
        assert secret[-12:] not in text
    assert AuditEvent.objects.filter(action="session.opened", actor_type="user").count() == 2
