"""A person's signed-in browsers: where each was last seen, and how they are signed out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import audit, people_trail
from accounts.models import Membership, Organization, User
from ratelimit.refusals import is_api

SEEN_AT = "seen_at"
SEEN_EVERY_SECONDS = 300


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The session of the browser that makes a request."""

    id: int
    expires_at: datetime


class LastSeenMiddleware:
    """Keeps a browser's last use, to five minutes, so that most pages write nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_api(request):
            return self.get_response(request)
        before = request.session.session_key
        _note(request)
        response = self.get_response(request)
        if before and request.session.session_key not in (None, before):
            _follow(before, request)
        return response


def begin(request: HttpRequest) -> None:
    """Called at sign-in: a session without this stamp was never one of a browser's sign-ins."""
    request.session[SEEN_AT] = int(time.time())


@transaction.atomic
def leave(request: HttpRequest) -> None:
    """Sign out of this browser."""
    user, key = request.user, request.session.session_key
    if isinstance(user, User):
        _lock_organizations(user)
        UserSession.objects.filter(user=user, session_key=key).delete()
    logout(request)
    if isinstance(user, User):
        people_trail.record("user.signed_out", user)


def current(request: HttpRequest) -> BrowserSession:
    """For a person who is signed in. The end is the stored one: an API call does not extend it."""
    key = request.session.session_key
    if not UserSession.objects.filter(session_key=key).exists():
        UserSession.objects.create_from_request(request)
    row = UserSession.objects.get(session_key=key)
    return BrowserSession(row.pk, Session.objects.get(session_key=key).expire_date)


def _note(request: HttpRequest) -> None:
    if request.session.session_key is None:
        return
    seen_at, now = request.session.get(SEEN_AT), int(time.time())
    if seen_at is not None and now - seen_at > SEEN_EVERY_SECONDS and request.user.is_authenticated:
        request.session[SEEN_AT] = now
        UserSession.objects.create_from_request(request)


def _follow(before: str, request: HttpRequest) -> None:
    """Keep the row of a session whose key was cycled, by a rotated SECRET_KEY or a changed password.

    A session without its row could not be listed, and "sign out everywhere else" would miss it.
    """
    rows = UserSession.objects.filter(user_id=request.user.pk)
    if not rows.filter(session_key=request.session.session_key).exists():
        rows.filter(session_key=before).update(session_key=request.session.session_key)


def of_user(user: User) -> list[UserSession]:
    """The browsers in which the person is signed in, last used first; two statements however many."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user).order_by("-last_seen_at")}
    stored = Session.objects.filter(session_key__in=rows, expire_date__gt=timezone.now())
    hashes = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    # A session from before the last change of password is still stored, and opens nothing.
    living = {one.session_key for one in stored if one.get_decoded().get(HASH_SESSION_KEY) in hashes}
    return [row for key, row in rows.items() if key in living]


def find(user: User, pk: int) -> UserSession | None:
    found: UserSession | None = UserSession.objects.filter(user=user, pk=pk).first()
    return found


@transaction.atomic
def end(session: UserSession, user: User) -> None:
    """Sign out of one of the person's browsers."""
    _lock_organizations(user)
    session.end()
    people_trail.record("session.ended", user, browser=session.user_agent[:200], lastAddress=session.ip)


@transaction.atomic
@audit.gathered()
def end_others(request: HttpRequest, user: User) -> None:
    _lock_organizations(user)
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        end(session, user)


def end_all(user: User) -> None:
    """Sign out of all of the person's browsers; the caller holds the locks of their organizations."""
    rows = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=rows.values("session_key")).delete()
    rows.delete()


def _lock_organizations(user: User) -> None:
    """What was exchanged for the session ends with it, and organizations' locks come first."""
    mine = Membership.objects.filter(user=user).values_list("organization_id", flat=True)
    Organization.objects.lock_all(mine)
