"""Pauses of a token: its requests are refused until it is resumed, or until the pause's end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.authorization import policies
from accounts.authorization.rights import authorization_of
from accounts.drf.fields import instant
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import SYSTEM, Actor
from tokens.audit import token_events
from tokens.models import ServiceAccountToken
from tokens.notifications import token_paused
from tokens.service_accounts.issue import MANAGE

MOST_DAYS = 365
UNTIL_PROBLEM = f"Choose a time in the future, at most {MOST_DAYS} days ahead."


@transaction.atomic
@log.batched()
def pause(
    *,
    token: ServiceAccountToken,
    actor: Actor,
    until: datetime | None = None,
    reason: str = "",
    now: datetime | None = None,
) -> ServiceAccountToken:
    """Refuse every request with the token from now on. A paused token gets the new end and reason.

    Raises APIError: invalid_request with the field ``until``; token_not_active; and as ``authorization_of``.
    """
    locked = _locked(token, actor)
    # Read after the lock, because waiting for it may take long.
    now = now or timezone.now()
    _require_active(locked, now)
    if until is not None and not now < until <= now + timedelta(days=MOST_DAYS):
        raise APIError(errors.INVALID_REQUEST, fields={"until": [UNTIL_PROBLEM]})
    if locked.is_paused(now):
        _change(locked, actor, until, reason)
    else:
        _begin(locked, actor, until, reason, now)
    return locked


@transaction.atomic
def resume(
    *, token: ServiceAccountToken, actor: Actor, reason: str = "", now: datetime | None = None
) -> ServiceAccountToken:
    """Accept requests with the token again. Changes nothing if it is not paused.

    Raises APIError: token_not_active; and as ``authorization_of``. Raises ReauthenticationRequired.
    """
    policies.require_recent_proof(actor)
    locked = _locked(token, actor)
    now = now or timezone.now()
    _require_active(locked, now)
    if not locked.is_paused(now):
        Organization.objects.confirm([locked.organization_id])
        return locked
    # The clock of the server that paused it may be ahead of this one's.
    _end(locked, actor, max(now, locked.paused_at or now), reason)
    Organization.objects.advance([locked.organization_id])
    return locked


def resume_due(now: datetime | None = None) -> int:
    """Record the pauses whose end has passed. Returns their number. Run it periodically.

    The look-up accepts such a token without it. Refusals are not cached, so the generation stays.
    """
    now = now or timezone.now()
    due = ServiceAccountToken.objects.all().pause_over(now)
    organizations = due.order_by("organization_id").values_list("organization_id", flat=True).distinct()
    return sum(_resume_due_of(organization_id, now) for organization_id in list(organizations))


@transaction.atomic
@log.batched()
def _resume_due_of(organization_id: UUID, now: datetime) -> int:
    Organization.objects.lock_all([organization_id])
    due = ServiceAccountToken.objects.all().pause_over(now).filter(organization=organization_id)
    over = list(due.order_by("pk"))
    for token in over:
        _end(token, SYSTEM, token.paused_until or now)
    return len(over)


def _locked(token: ServiceAccountToken, actor: Actor) -> ServiceAccountToken:
    """Lock the organization, check the actor's rights, and return the token's row as of now."""
    Organization.objects.lock_all([token.organization_id])
    # Staff belong to no organization. The admin has checked their permission.
    if actor.organization_id is not None:
        authorization_of(actor, MANAGE)
    found = ServiceAccountToken.objects.all().with_people().filter(pk=token.pk).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def _require_active(token: ServiceAccountToken, now: datetime) -> None:
    if token.status(now).is_final:
        raise APIError(errors.TOKEN_NOT_ACTIVE)


def _begin(
    token: ServiceAccountToken, actor: Actor, until: datetime | None, reason: str, now: datetime
) -> None:
    if token.paused_at is not None and token.resumed_at is None:
        # The end of the previous pause has passed, and no housekeeping has recorded it yet.
        _end(token, SYSTEM, token.paused_until or now)
    token.paused_at, token.resumed_at = now, None
    token.paused_until, token.paused_reason = until, reason
    token.save(update_fields=["paused_at", "paused_until", "resumed_at", "paused_reason"])
    Organization.objects.advance([token.organization_id])
    token_paused.enqueue(token, actor, now)
    token_events.paused(token, actor, log.difference({}, _facts(token)))


def _change(token: ServiceAccountToken, actor: Actor, until: datetime | None, reason: str) -> None:
    before = _facts(token)
    token.paused_until, token.paused_reason = until, reason
    changes = log.difference(before, _facts(token))
    if not changes:
        Organization.objects.confirm([token.organization_id])
        return
    token.save(update_fields=["paused_until", "paused_reason"])
    Organization.objects.advance([token.organization_id])
    token_events.paused(token, actor, changes)


def _end(token: ServiceAccountToken, actor: Actor, at: datetime, reason: str = "") -> None:
    token.resumed_at = at
    token.save(update_fields=["resumed_at"])
    token_events.resumed(token, actor, reason)


def _facts(token: ServiceAccountToken) -> Mapping[str, Any]:
    """Return what the audit log shows of a pause."""
    return {"pausedUntil": instant(token.paused_until), "pausedReason": token.paused_reason or None}
