"""Support sessions of staff: asked for with a reason, opened by a link, read-only, and ended.

A support session is that of a browser in which the member of staff is signed in. It acts as a viewer of the
organization, and never as one of its members.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.audit.log import Target
from accounts.crypto.random_secrets import LENGTH, digest, random_text
from accounts.errors import APIError, ErrorCode
from accounts.models import Organization, SupportSession, User
from accounts.permissions.actor import SYSTEM, Actor

PERMISSION = "accounts.add_supportsession"
LINK_SECONDS, SESSION_SECONDS = 60, 1_800
KEPT = timedelta(days=1)
SESSION_KEY = "support_session"
READ_ONLY = ErrorCode(403, "A support session is read-only", "support_session")


class InvalidLink(Exception):
    """The link was used, has expired, is another person's, or never existed."""


def may_support(staff: User) -> bool:
    return staff.is_active and staff.is_staff and staff.has_perm(PERMISSION)


@transaction.atomic
def ask(*, staff: User, organization: Organization, reason: str, now: datetime | None = None) -> str:
    """Return the secret of a new link, which only this member of staff can use.

    Raises APIError: forbidden; not_found for a deleted organization.
    """
    if not may_support(staff):
        raise APIError(errors.FORBIDDEN)
    _lock(organization)
    secret = random_text()
    SupportSession.objects.create(
        organization=organization,
        staff=staff,
        reason=reason,
        digest=digest(secret),
        expires_at=(now or timezone.now()) + timedelta(seconds=LINK_SECONDS),
    )
    return secret


@transaction.atomic
def open_by_link(*, secret: str, staff: User, now: datetime | None = None) -> SupportSession:
    """Use a link up, and record the support session in the organization's log. Raises InvalidLink."""
    now = now or timezone.now()
    found = _unused(secret, staff)
    if found is None or not may_support(staff):
        raise InvalidLink
    try:
        _lock(found.organization)
    except APIError:
        raise InvalidLink from None
    ends_at = now + timedelta(seconds=SESSION_SECONDS)
    unused = SupportSession.objects.filter(pk=found.pk, opened_at=None, expires_at__gt=now)
    if not unused.update(opened_at=now, expires_at=ends_at):
        raise InvalidLink
    found.opened_at, found.expires_at = now, ends_at
    _record("support.session_opened", found, Actor.of_staff(staff), now, reason=found.reason, endsAt=ends_at)
    return found


def end(session: SupportSession, *, cause: str, actor: Actor = SYSTEM, now: datetime | None = None) -> None:
    """End a support session, and record it; a repeat changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        Organization.objects.lock_all([session.organization_id])
        if SupportSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=now):
            _record("support.session_ended", session, actor, now, cause=cause)


def end_expired(now: datetime) -> None:
    """Record the end of expired support sessions, and delete old rows and unused links."""
    due = SupportSession.objects.filter(ended_at=None, expires_at__lte=now)
    for session in due.exclude(opened_at=None).select_related("organization", "staff"):
        end(session, cause="expired", now=now)
    SupportSession.objects.filter(expires_at__lt=now - KEPT).delete()


def of_browser(request: HttpRequest) -> SupportSession | None:
    """Return the support session that the browser's session was opened for, whether it still runs or not."""
    key, user = request.session.get(SESSION_KEY), request.user
    if key is None or not isinstance(user, User):
        return None
    related = SupportSession.objects.select_related("organization__plan", "staff")
    return related.filter(pk=key, staff=user).first()


def cause_of_end(session: SupportSession, now: datetime) -> str:
    """Return why the support session ends now; "" while it runs."""
    if not session.is_running(now):
        return "expired"
    if session.organization.deleted_at is not None:
        return "organization deleted"
    return "" if may_support(session.staff) else "permission withdrawn"


def _unused(secret: str, staff: User) -> SupportSession | None:
    if len(secret) != LENGTH or not secret.isascii():
        return None
    links = SupportSession.objects.select_related("organization")
    return links.filter(digest=digest(secret), staff=staff, opened_at=None).first()


def _lock(organization: Organization) -> None:
    """Lock the organization's row; raises APIError(not_found) for a deleted one."""
    try:
        Organization.objects.locked(organization.pk)
    except Organization.DoesNotExist:
        raise APIError(errors.NOT_FOUND) from None


def _record(
    action: str, session: SupportSession, actor: Actor, now: datetime, **changes: str | datetime
) -> None:
    organization = session.organization
    log.record(
        organization_id=organization.pk,
        action=action,
        actor=actor,
        target=Target("user", session.staff.public_id, session.staff.display_name),
        changes=changes,
        now=now,
    )
