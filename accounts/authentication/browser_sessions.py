"""A user's browser sessions: last use, and sign-out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.signals import user_logged_in
from allauth.core.internal.httpkit import HTTP_USER_AGENT_MAX_LENGTH
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import log
from accounts.authentication import user_events
from accounts.authentication.session_store import stored_key
from accounts.errors import is_api
from accounts.models import Membership, Organization, User

SEEN_AT = "seen_at"
SEEN_EVERY_SECONDS = 300


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The session of the browser that makes a request."""

    id: int
    expires_at: datetime


class LastSeenMiddleware:
    """Stores a browser's last use to five minutes, so that most requests write nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_api(request):
            return self.get_response(request)
        before = stored_key(request.session)
        _note(request)
        response = self.get_response(request)
        after = stored_key(request.session)
        if before and after and after != before:
            _follow(before, after, request)
        return response


def begin(request: HttpRequest) -> None:
    """Stamp the session at sign-in; one without the stamp is no browser sign-in."""
    request.session[SEEN_AT] = int(time.time())


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    """Store the row of this browser, and delete the rows of signed-out browsers."""
    kept = [row.pk for row in of_user(user)]
    UserSession.objects.filter(user=user).exclude(pk__in=kept).delete()
    _store(request)


@transaction.atomic
def leave(request: HttpRequest) -> None:
    """Sign out of this browser."""
    user, key = request.user, stored_key(request.session)
    if isinstance(user, User):
        _lock_organizations(user)
        UserSession.objects.filter(user=user, session_key=key).delete()
    logout(request)
    if isinstance(user, User):
        user_events.record("user.signed_out", user)


def current(request: HttpRequest) -> BrowserSession:
    """Return the browser's session of a signed-in user. An API call does not extend its expiry."""
    key = stored_key(request.session)
    row = UserSession.objects.filter(session_key=key).first() or _store(request)
    return BrowserSession(row.pk, Session.objects.get(session_key=key).expire_date)


def _note(request: HttpRequest) -> None:
    if request.session.session_key is None:
        return
    seen_at, now = request.session.get(SEEN_AT), int(time.time())
    if seen_at is not None and now - seen_at > SEEN_EVERY_SECONDS and request.user.is_authenticated:
        request.session[SEEN_AT] = now
        _store(request)


def _store(request: HttpRequest) -> UserSession:
    """Insert or update the row of the request's session."""
    if request.session.session_key is None:
        request.session.save()
    row, _ = UserSession.objects.update_or_create(
        session_key=stored_key(request.session),
        defaults={
            "user_id": request.user.pk,
            "ip": get_adapter().get_client_ip(request),
            "user_agent": request.META.get("HTTP_USER_AGENT", "")[:HTTP_USER_AGENT_MAX_LENGTH],
            "last_seen_at": timezone.now(),
        },
    )
    return row


def _follow(before: str, after: str, request: HttpRequest) -> None:
    """Keep the row of a session whose key was cycled, by a rotated SECRET_KEY or a changed password.

    A session without its row could not be listed, and "sign out everywhere else" would miss it.
    """
    rows = UserSession.objects.filter(user_id=request.user.pk)
    if not rows.filter(session_key=after).exists():
        rows.filter(session_key=before).update(session_key=after)


def of_user(user: User) -> list[UserSession]:
    """Return the browsers in which the user is signed in, last used first, in two queries."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user).order_by("-last_seen_at")}
    stored = Session.objects.filter(session_key__in=rows, expire_date__gt=timezone.now())
    hashes = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    # A session from before the last password change is still stored, but no longer valid.
    valid = {one.session_key for one in stored if one.get_decoded().get(HASH_SESSION_KEY) in hashes}
    return [row for key, row in rows.items() if key in valid]


def find(user: User, pk: int) -> UserSession | None:
    found: UserSession | None = UserSession.objects.filter(user=user, pk=pk).first()
    return found


@transaction.atomic
def end(session: UserSession, user: User) -> None:
    """Sign the user out of one browser."""
    _lock_organizations(user)
    Session.objects.filter(session_key=session.session_key).delete()
    session.delete()
    user_events.record("session.ended", user, browser=session.user_agent[:200], lastAddress=session.ip)


@transaction.atomic
@log.batched()
def end_others(request: HttpRequest, user: User) -> None:
    _lock_organizations(user)
    for session in UserSession.objects.filter(user=user).exclude(session_key=stored_key(request.session)):
        end(session, user)


def end_all(user: User) -> None:
    """Sign the user out of all browsers; the caller holds the locks of the user's organizations."""
    rows = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=rows.values("session_key")).delete()
    rows.delete()


def _lock_organizations(user: User) -> None:
    """Lock the organizations first, because grants exchanged for the session are revoked with it."""
    mine = Membership.objects.filter(user=user).values_list("organization_id", flat=True)
    Organization.objects.lock_all(mine)
