"""An OAuth client was created: its members get a mail, as for a token."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core import mail

from accounts.authorization.rights import actor_of
from accounts.models import Membership, Notice
from accounts.notifications import outbox
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from tests.support.notices import told_since
from tests.support.people import make_member, make_organization
from tests.tokens.oauth.calls import make_program
from tokens.notifications.dispatch import enqueue
from tokens.oauth import clients

pytestmark = pytest.mark.django_db


def results() -> list[tuple[str, str]]:
    before = len(mail.outbox)
    enqueue()
    outbox.deliver()
    return told_since(before)


def test_owners_and_admins_are_told_the_creator_too() -> None:
    owner = make_member(make_organization("Acme"))
    admin = make_member(owner.organization, Role.ADMIN)
    make_member(owner.organization, Role.VIEWER)
    made = make_program(admin, name="Importer")
    subject = "A new OAuth client in Acme"
    assert results() == sorted([(owner.user.email, subject), (admin.user.email, subject)])
    assert results() == []
    body = str(mail.outbox[-1].body)
    assert f"The OAuth client “Importer” has been created in Acme by {admin.user.display_name}." in body
    assert "Scopes: index:read:*, events:write:*" in body
    assert f"/settings/clients/{made.id}/" in body
    assert made.secret not in body


def test_a_client_made_by_a_command_tells_nobody(owner: Membership) -> None:
    who = replace(actor_of(owner), type=SYSTEM.type, id=None, name=SYSTEM.name)
    clients.create(actor=who, name="Importer", scopes=["index:read:*"])
    assert not Notice.objects.exists()
