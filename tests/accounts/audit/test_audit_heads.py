"""Signed heads: a log cut at its end, rewritten or lost is found by what was handed out before."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.audit import heads as audit_heads
from accounts.audit import log
from accounts.audit.models import AuditChain, AuditEvent
from accounts.models import Membership, Organization
from accounts.permissions.actor import SYSTEM
from accounts.resources import indexes
from config.logging.formatter import masked
from tests.support.people import browser_of, make_member

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def organization(owner: Membership) -> Organization:
    for number in range(4):
        indexes.create(organization_id=owner.organization_id, name=f"Shop {number}")
    return owner.organization


@pytest.fixture
def heads(organization: Organization, settings: Settings, tmp_path: Path) -> Path:
    """The day's file."""
    settings.AUDIT_HEADS_FOLDER = str(tmp_path / "heads")
    audit_heads.write_daily(NOW)
    return tmp_path / "heads" / "audit-heads-2026-03-04.txt"


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def cut(organization: Organization, *, keep: int) -> None:
    """Delete the newest rows and set the chain's end back, as one who can write to the database would."""
    sql("DELETE FROM accounts_auditevent WHERE sequence > %s", keep)
    last = AuditEvent.objects.get(organization=organization, sequence=keep)
    AuditChain.objects.filter(pk=organization.pk).update(sequence=keep, head=last.hash)


def false_head(organization: Organization) -> str:
    """Return a head in the right form, with a false signature."""
    return f"{audit_heads.current(organization.pk, NOW).text[:-128]}{'0' * 128}"


def verified(*files: Path, **options: Any) -> str:
    call_command("audit_verify", against=[str(file) for file in files], stdout=(out := StringIO()), **options)
    return out.getvalue()


def refusal(*files: Path, **options: Any) -> str:
    """What the command says as it exits with 1."""
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", against=[str(file) for file in files], stdout=out, **options)
    assert refused.value.returncode == 1
    return out.getvalue() + str(refused.value)


def test_a_log_that_grew_since_is_intact(organization: Organization, heads: Path) -> None:
    indexes.create(organization_id=organization.pk, name="Later")
    assert verified(heads) == f"{organization.public_id} {organization.name}: intact\n"


def test_a_log_cut_at_its_end_is_found_by_the_file_alone(organization: Organization, heads: Path) -> None:
    cut(organization, keep=2)
    assert "intact" in verified()
    assert "cut: event 4, which a signed head names, is missing" in refusal(heads)


def test_a_log_written_anew_from_some_row_on_is_found(organization: Organization, heads: Path) -> None:
    cut(organization, keep=3)
    indexes.create(organization_id=organization.pk, name="Another history")
    assert log.first_broken(organization.pk) is None
    assert "rewritten: event 4" in refusal(heads)


def test_an_organization_that_was_removed_is_found(organization: Organization, heads: Path) -> None:
    sql("DELETE FROM accounts_auditevent")
    sql("DELETE FROM accounts_auditchain")
    sql("DELETE FROM accounts_index")
    sql("DELETE FROM accounts_membership")
    sql("DELETE FROM accounts_organization")
    assert f"{organization.public_id}: missing" in refusal(heads)


@pytest.mark.parametrize("field", range(2, 8))
def test_an_altered_head_is_refused(organization: Organization, heads: Path, field: int) -> None:
    fields = heads.read_text().split()
    # The first characters may be a prefix, and the last one the zone of a time.
    last = len(fields[field].rstrip("Z")) - 1
    other = "1" if fields[field][last] != "1" else "2"
    fields[field] = fields[field][:last] + other + fields[field][last + 1 :]
    heads.write_text(" ".join(fields) + "\n")
    assert "was altered, or signed with another key" in refusal(heads)


def test_a_head_by_another_key_is_refused(
    organization: Organization, heads: Path, settings: Settings, tmp_path: Path
) -> None:
    ours = audit_heads.public_key()
    settings.AUDIT_SIGNING_KEY_FILE = str(tmp_path / "another-key")
    assert "signed with another key" in refusal(heads)
    assert "intact" in verified(heads, public_key=ours)


def test_a_head_that_names_another_key_than_its_signers_is_refused(organization: Organization) -> None:
    head = audit_heads.current(organization.pk, NOW)
    signed = head.text.rpartition(" ")[0].replace(head.key, "0" * 64)
    signature = audit_heads._private_key(settings.AUDIT_SIGNING_KEY_FILE).sign(signed.encode()).hex()
    [found] = audit_heads.found_in(f"{signed} {signature}")
    assert found is not None
    assert not found.is_signed_by(audit_heads.public_key())


def test_a_file_without_heads_is_no_proof(organization: Organization, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing")
    with pytest.raises(CommandError, match="holds no signed head"):
        verified(tmp_path / "empty")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_finds_a_cut_as_well(
    organization: Organization, owner: Membership, tmp_path: Path, form: str
) -> None:
    answer: Any = browser_of(owner.user).get(f"/settings/audit-log/export.{form}?action=index.deleted")
    (tmp_path / "export").write_bytes(b"".join(answer.streaming_content))
    assert "intact" in verified(tmp_path / "export")
    cut(organization, keep=1)
    assert "cut: event" in refusal(tmp_path / "export")


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("whole", [True, False], ids=["the whole form", "the mark alone"])
def test_a_false_head_in_an_events_text_is_not_read(
    organization: Organization, owner: Membership, tmp_path: Path, form: str, whole: bool
) -> None:
    text = false_head(organization) if whole else audit_heads.MARK
    with transaction.atomic():
        log.record(
            organization_id=organization.pk, action="index.changed", actor=SYSTEM, changes={"head": text}
        )
    answer: Any = browser_of(owner.user).get(f"/settings/audit-log/export.{form}")
    (tmp_path / "export").write_bytes(b"".join(answer.streaming_content))
    assert text in (tmp_path / "export").read_text()
    assert "intact" in verified(tmp_path / "export")


def test_a_false_head_in_a_log_does_not_hide_a_cut(organization: Organization, heads: Path) -> None:
    heads.write_text(f"Host: {audit_heads.MARK}\nHost: {false_head(organization)}\n{heads.read_text()}")
    cut(organization, keep=2)
    said = refusal(heads)
    assert "head 1 was altered, or signed with another key" in said
    assert "cut: event 4" in said


def test_the_daily_file_names_all_organizations_and_is_written_once(heads: Path) -> None:
    before = heads.read_text()
    other = make_member().organization
    indexes.create(organization_id=other.pk, name="Shop")
    audit_heads.write_daily(NOW + timedelta(hours=1))
    assert heads.read_text() == before
    audit_heads.write_daily(NOW + timedelta(days=1))
    found = heads.with_name("audit-heads-2026-03-05.txt").read_text().splitlines()
    assert len(found) == AuditChain.objects.count() == 2


def test_a_folder_that_cannot_be_written_stops_nothing(
    organization: Organization, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a-file").touch()
    settings.AUDIT_HEADS_FOLDER = str(tmp_path / "a-file")
    audit_heads.write_daily(NOW)
    assert "cannot be written to AUDIT_HEADS_FOLDER" in caplog.text


def test_a_busy_log_is_logged_in_between(
    organization: Organization,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    monkeypatch.setattr(audit_heads, "LOG_EVERY", 3)
    with caplog.at_level(logging.INFO, "tessera.audit"):
        for number in range(4, 7):
            with django_capture_on_commit_callbacks(execute=True):
                indexes.create(organization_id=organization.pk, name=f"Shop {number}")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "tessera.audit"]
    assert masked(line) == line
    (tmp_path / "log").write_text(line)
    cut(organization, keep=2)
    assert "cut: event 6" in refusal(tmp_path / "log")


def test_an_organization_without_events_has_a_head(db: None) -> None:
    head = audit_heads.current(make_member().organization_id, timezone.now())
    assert head.sequence == 0
    assert head.is_signed_by(audit_heads.public_key())


def test_a_guest_gets_no_head(client: Client, organization: Organization) -> None:
    assert client.get("/settings/audit-log/export.csv").status_code == 302
