"""The audit log's rows: one chain an organization, which shows every later change."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from accounts.audit.log import Target, difference, first_broken, record
from accounts.audit.models import AppendOnly, AuditChain, AuditEvent
from accounts.models import Organization
from accounts.permissions.actor import SYSTEM
from tests.support.people import make_organization
from tests.support.threads import at_once


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


def write(organization: Organization, count: int = 1, **facts: Any) -> AuditEvent:
    for _ in range(count):
        with transaction.atomic():
            event = record(
                organization_id=organization.pk,
                action="token.created",
                actor=SYSTEM,
                target=Target("token", "tok_1", "CI"),
                **facts,
            )
    assert event is not None
    return event


def alter(sequence: int, column: str, value: Any) -> None:
    with connection.cursor() as cursor:
        statement = f"UPDATE accounts_auditevent SET {column} = %s WHERE sequence = %s"  # noqa: S608
        cursor.execute(statement, [value, sequence])


@pytest.mark.django_db
def test_a_chain_of_events_verifies(organization: Organization) -> None:
    write(organization, 5, changes={"role": ["viewer", "admin"], "at": [None, "2026-01-01"]})

    assert list(AuditEvent.objects.values_list("sequence", flat=True)) == [5, 4, 3, 2, 1]
    assert first_broken(organization.pk) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value"),
    [("action", "token.revoked"), ("actor_name", "Mallory"), ("changes", '{"a": 1}'), ("target_id", "tok_2")],
)
def test_a_row_altered_in_sql_is_named(organization: Organization, column: str, value: str) -> None:
    write(organization, 5)
    alter(3, column, value)

    assert first_broken(organization.pk) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("sequence", [1, 3, 5])
def test_a_row_deleted_in_sql_is_named(organization: Organization, sequence: int) -> None:
    write(organization, 5)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_auditevent WHERE sequence = %s", [sequence])

    assert first_broken(organization.pk) == sequence


@pytest.mark.django_db
def test_a_row_beyond_the_end_is_found_while_the_log_grows(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(organization, 5)
    alter(5, "sequence", 99)
    AuditChain.objects.update(sequence=4, head=AuditEvent.objects.get(sequence=4).hash)
    hashed = AuditEvent.computed_hash
    growth = iter([write])

    def computed_hash(event: AuditEvent) -> bytes:
        for grow in growth:
            grow(organization)
        return hashed(event)

    monkeypatch.setattr(AuditEvent, "computed_hash", computed_hash)
    assert first_broken(organization.pk) == 5
    assert AuditChain.objects.get().sequence == 5


@pytest.mark.django_db
def test_nothing_is_changed_or_deleted_through_the_orm(organization: Organization) -> None:
    event = write(organization)

    for attempt in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(action="x"),
    ):
        with pytest.raises(AppendOnly):
            attempt()


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_share_one_chain(organization: Organization) -> None:
    at_once([lambda: write(organization, 5)] * 8)

    assert AuditChain.objects.get().sequence == 40
    assert first_broken(organization.pk) is None


def test_a_difference_names_what_changed() -> None:
    assert difference({"a": 1, "b": 2}, {"a": 1, "b": 3}) == {"b": [2, 3]}
