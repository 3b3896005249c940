"""manage.py audit_verify: green for what was written, red and exact for what was altered."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Membership, Organization
from accounts.resources import indexes
from tests.support.people import make_member


def fill(organization: Organization) -> None:
    for number in range(4):
        indexes.create(organization_id=organization.pk, name=f"Shop {number}")


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_every_organization_has_a_green_line(owner: Membership) -> None:
    other = make_member()
    fill(owner.organization)
    out = StringIO()
    call_command("audit_verify", stdout=out)

    lines = out.getvalue().splitlines()
    assert sorted(lines) == sorted(
        f"{one.public_id} {one.name}: intact" for one in (owner.organization, other.organization)
    )


def test_a_row_altered_in_sql_is_named_and_the_exit_is_1(owner: Membership) -> None:
    fill(owner.organization)
    sql("UPDATE accounts_auditevent SET actor_name = %s WHERE sequence = 3", "Mallory")
    out = StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", stdout=out)

    assert refused.value.returncode == 1
    assert "broken at sequence 3" in out.getvalue()


def test_one_organization_can_be_asked_for(owner: Membership) -> None:
    other = make_member().organization
    fill(owner.organization)
    fill(other)
    sql(
        "DELETE FROM accounts_auditevent WHERE sequence = 2 AND organization_id = %s",
        other.pk.hex if connection.vendor == "sqlite" else other.pk,
    )

    for name in (owner.organization.public_id, owner.organization.slug):
        out = StringIO()
        call_command("audit_verify", organization=name, stdout=out)
        assert out.getvalue().count("\n") == 1
    with pytest.raises(CommandError):
        call_command("audit_verify", organization=other.slug, stdout=StringIO())


def test_a_log_whose_end_was_cut_off_is_named(owner: Membership) -> None:
    fill(owner.organization)
    sql("DELETE FROM accounts_auditevent WHERE sequence > 2")
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("audit_verify", stdout=out)

    assert "broken at sequence 3" in out.getvalue()


@pytest.mark.django_db
def test_an_unknown_organization_is_an_error() -> None:
    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", organization="nobody", stdout=StringIO())

    assert refused.value.returncode == 2
