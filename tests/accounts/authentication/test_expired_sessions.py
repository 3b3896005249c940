"""Housekeeping deletes browser sessions that have expired, and keeps every other one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.authentication import expired_sessions
from accounts.authentication.session_store import stored_key
from accounts.models import AuditEvent, User
from tests.support.clients import program
from tests.support.sessions import make_person
from tests.tokens.api.test_exchange import exchange
from tokens.models import Grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_person(email="ada@example.com").user


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    UserSession.objects.create(user=user, session_key=stored_key(browser.session), ip="127.0.0.1")
    return browser


def expire(*browsers: Client) -> None:
    """As if each browser had been used for the last time long ago."""
    keys = [stored_key(browser.session) for browser in browsers]
    Session.objects.filter(pk__in=keys).update(expire_date=timezone.now() - timedelta(seconds=1))
    UserSession.objects.filter(session_key__in=keys).update(last_seen_at=timezone.now() - timedelta(days=14))


def stored() -> tuple[set[str], set[str]]:
    """The keys of both tables."""
    listed = set(UserSession.objects.values_list("session_key", flat=True))
    return set(Session.objects.values_list("pk", flat=True)), listed


def test_housekeeping_deletes_what_has_expired_in_both_tables(ada: User) -> None:
    kept, *others = [browser_of(ada) for _ in range(3)]
    expire(*others)
    call_command("housekeeping", "--once")
    assert stored() == ({stored_key(kept.session)}, {stored_key(kept.session)})
    assert kept.get("/settings/security/").status_code == 200


def test_they_are_deleted_in_batches(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expired_sessions, "BATCH", 2)
    expire(*[browser_of(ada) for _ in range(5)])
    with CaptureQueriesContext(connection) as queries:
        assert expired_sessions.prune(timezone.now()) == 5
    assert sum(one["sql"].startswith('DELETE FROM "django_session"') for one in queries) == 3
    assert stored() == (set(), set())


def test_a_row_whose_session_has_just_got_a_new_key_is_kept(ada: User) -> None:
    browser = browser_of(ada)
    Session.objects.all().delete()
    expired_sessions.prune(timezone.now())
    assert stored() == (set(), {stored_key(browser.session)})


def test_what_was_exchanged_for_a_session_that_is_gone_ends_with_its_row(ada: User) -> None:
    browser = browser_of(ada)
    tokens = exchange(browser).json()
    expire(browser)
    expired_sessions.prune(timezone.now())
    assert program(tokens["access_token"]).get("/api/auth/whoami").status_code == 401
    assert Grant.objects.get().revoked_at is not None


def test_an_exchanged_session_that_expired_before_is_not_logged_as_ended(ada: User) -> None:
    browser = browser_of(ada)
    exchange(browser)
    Grant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expire(browser)
    before = AuditEvent.objects.count()
    expired_sessions.prune(timezone.now())
    assert (AuditEvent.objects.count(), stored()) == (before, (set(), set()))
