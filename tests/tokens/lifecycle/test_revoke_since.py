"""What was revoked after a backup does not come back with it, where an export tells what that was."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.audit import export as audit_export
from accounts.audit import heads, log
from accounts.audit.models import AuditEvent
from accounts.members import invitations
from accounts.models import Membership
from accounts.permissions.roles import Role
from accounts.registration import password_reset
from tests.support.clients import program
from tests.support.people import PASSWORD, actor, browser_of, make_member, make_token
from tests.support.sessions import login, make_person, opened
from tests.tokens.oauth.calls import Program, ask, make_program
from tokens.grants import errors as grant_errors
from tokens.grants import rotation
from tokens.lifecycle.revoke_since import Event, affected
from tokens.models import GrantKind
from tokens.oauth import clients
from tokens.service_accounts import revoke
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
BACKUP = timezone.now() - dt.timedelta(days=1)
NEW_PASSWORD = "another-long-enough-passphrase"


class House(NamedTuple):
    """What an organization had when the backup was made."""

    owner: Membership
    kept: Issued
    gone: Issued
    importer: Program
    session: str
    invited: str


@pytest.fixture
def house(db: None) -> House:
    with time_machine.travel(BACKUP - dt.timedelta(hours=1), tick=False):
        owner = make_person(email="owner@example.com")
        invited = invitations.invite(actor=actor(owner), email="new@example.com", role=Role.MEMBER)
        return House(
            owner,
            make_token(owner),
            make_token(owner),
            make_program(owner),
            opened(owner).refresh_token,
            invited.secret,
        )


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("revoke_since", BACKUP.isoformat(), *map(str, arguments), stdout=out)
    return out.getvalue()


def works(issued: Issued) -> bool:
    return bool(program(issued).get("/api/auth/whoami").status_code == 200)


def is_open(secret: str) -> bool:
    invitation = invitations.find(secret)
    return invitation is not None and invitations.is_good(invitation, timezone.now())


def end_most_of(house: House) -> None:
    """What happens between the backup and the loss of the database."""
    who = actor(house.owner)
    revoke.revoke(token=house.gone.token, actor=who)
    clients.rotate_secret(client=house.importer.row, actor=who, overlap_seconds=0)
    invitations.revoke(actor=who, invitation=invitations.find(house.invited))
    password_reset.set_password(house.owner.user, NEW_PASSWORD)


def exported(house: House, file: Path) -> Path:
    events = AuditEvent.objects.filter(organization=house.owner.organization)
    head = heads.current(house.owner.organization_id, timezone.now())
    lines = (
        audit_export.as_csv(events, head) if file.suffix == ".csv" else audit_export.as_json(events, {"a": 1})
    )
    file.write_text("".join(lines))
    return file


@pytest.fixture
def export(house: House, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The audit log as it was exported before everything since the backup was lost."""
    with transaction.atomic():
        end_most_of(house)
        file = exported(house, tmp_path / f"audit.{getattr(request, 'param', 'json')}")
        transaction.set_rollback(True)
    assert works(house.gone)
    assert is_open(house.invited)
    return file


@pytest.mark.parametrize("export", ["json", "csv"], indirect=True)
def test_what_an_export_tells_of_is_revoked_again(house: House, export: Path) -> None:
    assert "Revoked." in run("--events", export, "--yes")
    assert works(house.kept)
    assert program(house.gone).get("/api/auth/whoami").json()["code"] == "token_revoked"
    assert ask(grant_type="client_credentials", **house.importer.body).status_code == 401
    with pytest.raises(grant_errors.InvalidGrant):
        rotation.rotate(house.session, kinds=[GrantKind.SESSION])
    assert not is_open(house.invited)
    assert login("owner@example.com", PASSWORD).status_code == 401


def test_the_use_of_a_superseded_secret_has_changed_no_token(house: House) -> None:
    token_id = house.kept.token.public_id
    used, rotated = (
        Event(timezone.now(), action, "token", token_id, "")
        for action in ("token.superseded_used", "token.rotated")
    )
    assert affected([used]).of("token") == set()
    assert affected([used, rotated]).of("token") == {house.kept.token.pk}


def test_without_yes_it_only_tells(house: House, export: Path) -> None:
    out = run("--events", export)
    assert "tokens: 1\nclient secrets: 1\ngrants: 1\ninvitations: 1\n" in out
    assert "passwords: 1" in out
    assert "Nothing was changed" in out
    assert works(house.gone)


def test_without_an_export_nothing_tells_what_was_revoked(house: House, export: Path) -> None:
    """Said aloud, because it is what the other two ways are for."""
    run("--yes")
    assert works(house.gone)


def test_everything_is_the_way_where_no_export_was_kept(house: House, export: Path) -> None:
    browser = browser_of(make_member().user)
    run("--everything", "--yes")
    assert not works(house.gone)
    assert not works(house.kept)
    assert ask(grant_type="client_credentials", **house.importer.body).status_code == 401
    assert not is_open(house.invited)
    assert browser.get("/settings/tokens/").status_code == 302


def test_what_was_made_since_is_revoked(house: House) -> None:
    token, importer = make_token(house.owner), make_program(house.owner)
    browser = browser_of(house.owner.user)
    browser.get("/settings/tokens/")
    run("--yes")
    assert not works(token)
    assert works(house.kept)
    assert ask(grant_type="client_credentials", **importer.body).status_code == 401
    assert ask(grant_type="client_credentials", **house.importer.body).status_code == 200


def test_it_stands_in_the_audit_log_and_in_the_generation(house: House) -> None:
    before = house.owner.organization.generation
    make_token(house.owner)
    run("--yes")
    organization = house.owner.organization
    organization.refresh_from_db()
    assert organization.generation > before
    event = AuditEvent.objects.get(action="organization.revoked_since")
    assert (event.actor_type, event.organization_id) == ("system", organization.pk)
    assert event.changes["tokens"] == 1
    assert log.first_broken(organization.pk) is None


def test_what_is_no_credential_is_named_for_somebody_to_repeat(house: House, tmp_path: Path) -> None:
    other = make_member(house.owner.organization, Role.ADMIN)
    theirs, who = make_token(other), log.Target("member", other.public_id, "Eve\r\n\x1b[31m")
    with transaction.atomic():
        log.record(
            organization_id=other.organization_id,
            action="member.removed",
            actor=actor(house.owner),
            target=who,
        )
        file = exported(house, tmp_path / "audit.json")
        transaction.set_rollback(True)
    out = run("--events", file, "--yes")
    assert f"  member.removed  {other.public_id}  Eve\\r\\n\\x1b[31m\n" in out
    assert not works(theirs)


@pytest.mark.parametrize("text", ["", "[]", '{"events": [1]}', '{"events": [{"at": "x"}]}'])
def test_what_is_no_export_is_refused_before_anything_ends(house: House, tmp_path: Path, text: str) -> None:
    file = tmp_path / "audit.json"
    file.write_text(text)
    with pytest.raises(CommandError, match="is no export"):
        run("--events", file, "--everything", "--yes")
    assert works(house.kept)
    assert Client().get("/healthz").status_code == 200
