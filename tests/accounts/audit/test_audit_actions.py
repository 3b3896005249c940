"""One table names every action: the code records nothing else, and nothing in it goes unrecorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from accounts.audit.actions import ACTIONS
from accounts.audit.log import record
from accounts.audit.models import AuditEvent
from accounts.permissions.actor import SYSTEM
from tests.support.people import make_organization

SUBJECTS = "|".join(sorted({action.partition(".")[0] for action in ACTIONS}))
NAMED = re.compile(rf'f?"((?:{SUBJECTS})\.[a-z_{{}}]+)"')
# Where a recorded action is made of a field's name.
MADE = {"member.{field}_changed": ("member.role_changed", "member.permissions_changed")}
RECORDS = re.compile(r"\b_?record\(|\b_?record_people\(")


def sources() -> list[str]:
    found = [
        path.read_text()
        for app in ("accounts", "tokens")
        for path in Path(settings.BASE_DIR, app).rglob("*.py")
        if "migrations" not in path.parts and path.name != "audit_actions.py"
    ]
    return [text for text in found if RECORDS.search(text) or "audit" in text or "people_trail" in text]


def recorded() -> set[str]:
    names = {name for text in sources() for name in NAMED.findall(text)}
    return {one for name in names for one in MADE.get(name, (name,))}


@pytest.mark.parametrize("action", ACTIONS)
def test_somebody_records_it_and_a_page_can_say_it(action: str) -> None:
    assert action in recorded()
    assert ACTIONS[action][0].isupper()
    assert len(action) <= (AuditEvent._meta.get_field("action").max_length or 0)


@pytest.mark.django_db
def test_an_action_that_is_not_in_the_table_is_not_recorded() -> None:
    organization = make_organization()

    with pytest.raises(LookupError), transaction.atomic():
        record(organization_id=organization.pk, action="token.eaten", actor=SYSTEM)
    assert not AuditEvent.objects.exists()
