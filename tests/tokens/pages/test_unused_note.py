"""The announced revocation of an unused token, on its page, in its record and in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import browser_of, make_member, make_organization, make_token
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.notifications import token_unused
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def owner(db: None) -> Membership:
    return make_member(make_organization(unused_tokens_revoked_after_days=60))


@pytest.fixture
def made(owner: Membership) -> Issued:
    """A token that was created 54 days ago and announced yesterday."""
    issued = make_token(owner, expires_in_days=None)
    created_at = timezone.now() - 54 * DAY
    ServiceAccountToken.objects.update(created_at=created_at)
    TokenSecret.objects.update(created_at=created_at)
    token_unused.find(timezone.now() - DAY)
    return issued


def page(owner: Membership, made: Issued) -> str:
    url = f"/settings/tokens/{made.token.public_id}/"
    return browser_of(owner.user).get(url).content.decode()


def test_the_page_and_the_record_tell_it_until_the_token_is_used(owner: Membership, made: Issued) -> None:
    watcher = program(make_token(owner, permissions=["tokens.view"]))
    url = f"/api/v1/tokens/{made.token.public_id}"
    due = watcher.get(url).json()["unusedRevocationAt"]
    assert due.startswith((timezone.now() + 6 * DAY).date().isoformat())
    html = page(owner, made)
    assert "<strong>Unused since <time" in html
    assert "will be revoked on <time" in html
    assert program(made).get("/api/auth/whoami").status_code == 200
    assert watcher.get(url).json()["unusedRevocationAt"] is None
    assert "Unused since" not in page(owner, made)


def test_a_token_that_is_not_announced_has_no_note(owner: Membership) -> None:
    assert "Unused since" not in page(owner, make_token(owner))


def test_staff_see_the_policy(staff: Client, owner: Membership) -> None:
    html = staff.get(reverse("admin:accounts_organization_change", args=[owner.organization_id])).content
    assert b"tokens unused for 60 days are revoked" in html
    assert b"Unused tokens are revoked after days" in html
