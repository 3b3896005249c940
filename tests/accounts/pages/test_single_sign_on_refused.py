"""Refused at single sign-on: in the organizations' logs where it is known who it was, else only in ours."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import User
from tests.accounts.authentication.sign_in_by import google, is_inside, sign_in_by
from tests.accounts.oidc.fake_provider import FakeProvider
from tests.support.people import make_organization
from tests.support.sessions import join

__all__ = ["google"]

pytestmark = pytest.mark.django_db


def test_a_locked_person_is_told_of_in_each_of_their_organizations(
    google: FakeProvider, client: Client
) -> None:
    sign_in_by(client, google)
    user = User.objects.get()
    join(user, make_organization("Second"))
    User.objects.filter(pk=user.pk).update(is_active=False)
    guest = Client()
    assert sign_in_by(guest, google).status_code == 403
    assert not is_inside(guest)
    events = AuditEvent.objects.filter(action="sso.failed")
    assert events.count() == 2
    for event in events:
        assert event.actor_type == "anonymous"
        assert event.target_id == user.public_id
        assert event.changes == {"provider": "Google", "reason": "inactive"}


def test_an_identity_that_nobody_knows_is_in_our_log_only(
    google: FakeProvider, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    google.claims["email_verified"] = False
    sign_in_by(client, google)
    assert "was refused: unproven_address" in caplog.text
    assert not AuditEvent.objects.filter(action="sso.failed").exists()
    assert str(google.claims.get("email")) not in caplog.text
