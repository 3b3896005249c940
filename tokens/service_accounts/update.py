"""Change of a token in place: its texts and limits either way, its permissions and expiry only narrower."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.authorization import policies
from accounts.authorization.rights import authorization_of, unknown
from accounts.drf.fields import instant
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import Actor
from tokens.audit import token_events
from tokens.models import MAX_DAYS, ServiceAccountToken
from tokens.service_accounts import names
from tokens.service_accounts.bounds import bound_descendants
from tokens.service_accounts.descendants import is_of
from tokens.service_accounts.issue import MANAGE

# An ended token keeps them as a record, and people still sort and describe it.
OF_RECORD = frozenset(("name", "description", "metadata"))
# A session needs recent proof to change them, because they may widen where and how much a token is used.
PROTECTED = frozenset(("metadata", "allowed_addresses", "requests_per_day"))
RESTRICTIONS = frozenset(("allowed_addresses", "requests_per_day"))
OWN_RESTRICTIONS = (
    "A token cannot change its own allowed addresses or limit, nor can a program that it created."
)


class Changes(TypedDict, total=False):
    """The fields that may change. ``requests_per_day`` and ``expires_at`` may be None."""

    name: str
    description: str
    metadata: dict[str, str]
    allowed_addresses: list[str]
    requests_per_day: int | None
    permissions: list[str]
    expires_at: datetime | None


@transaction.atomic
@log.batched()
def update(
    *,
    token: ServiceAccountToken,
    actor: Actor,
    now: datetime | None = None,
    **wanted: Unpack[Changes],
) -> ServiceAccountToken:
    """Change the given fields, and return the token's row. What it created stays within what it holds now.

    Raises APIError: invalid_request with fields, for a name that another active token has, and for wider
    permissions or a later expiry; token_not_active if an ended token would change in more than its texts;
    forbidden if the token, or what it created, would change the token's addresses or limit; not_found if it
    was deleted with its organization. Raises ReauthenticationRequired.
    """
    Organization.objects.lock_all([token.organization_id])
    # Read after the lock, because waiting for it may take long.
    now = now or timezone.now()
    authorization_of(actor, MANAGE)
    found = ServiceAccountToken.objects.all().with_people().filter(pk=token.pk).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    if found.status(now).is_final and not wanted.keys() <= OF_RECORD:
        raise APIError(errors.TOKEN_NOT_ACTIVE)
    changes = _changes(found, wanted)
    if PROTECTED.intersection(changes):
        policies.require_recent_proof(actor)
    if RESTRICTIONS.intersection(changes) and is_of(found, actor, now):
        raise APIError(errors.FORBIDDEN, detail=OWN_RESTRICTIONS)
    if problems := _problems(found, changes, now):
        raise APIError(errors.INVALID_REQUEST, fields=problems)
    if changes:
        _save(found, changes, actor, now)
    else:
        # A repeated call publishes again, in case the first one failed after its commit.
        Organization.objects.confirm([found.organization_id])
    return found


def is_taken(token: ServiceAccountToken, name: str) -> bool:
    """Return whether another active token has the name. Tokens that are not active may share names."""
    now = timezone.now()
    if name == token.name or not ServiceAccountToken.objects.filter(pk=token.pk).active(now).exists():
        return False
    return names.is_taken(token.organization_id, name, now, token_id=token.pk)


def _changes(token: ServiceAccountToken, wanted: Changes) -> dict[str, Any]:
    """Return the given fields whose value differs. The order and repetition of permissions do not count."""
    changed: dict[str, Any] = {
        field: value for field, value in wanted.items() if value != getattr(token, field)
    }
    if "permissions" in changed:
        changed["permissions"] = list(dict.fromkeys(changed["permissions"]))
        if set(changed["permissions"]) == set(token.permissions):
            del changed["permissions"]
    # JSON shows milliseconds, the row has microseconds.
    if "expires_at" in changed and instant(changed["expires_at"]) == instant(token.expires_at):
        del changed["expires_at"]
    return changed


def _problems(token: ServiceAccountToken, changes: Mapping[str, Any], now: datetime) -> dict[str, list[str]]:
    """Return sentences by field, as the API names it."""
    checked: dict[str, list[str]] = {}
    if "name" in changes and is_taken(token, changes["name"]):
        checked["name"] = [names.TAKEN]
    if "permissions" in changes:
        checked["permissions"] = _wider(token, changes["permissions"])
    if "expires_at" in changes:
        checked["expiresAt"] = _later(token, changes["expires_at"], now)
    return {field: sentences for field, sentences in checked.items() if sentences}


def _wider(token: ServiceAccountToken, permissions: list[str]) -> list[str]:
    if not permissions:
        return ["A token holds at least one permission. To end it, revoke it."]
    # What the token holds stays possible after it was removed from the catalogue.
    if strange := unknown([text for text in permissions if text not in token.permissions]):
        return strange
    missing = token.scopes.missing(permissions)
    return [f"The token does not hold {text}. Its permissions can only become narrower." for text in missing]


def _later(token: ServiceAccountToken, expires_at: datetime | None, now: datetime) -> list[str]:
    present = token.expires_at
    if present is not None and (expires_at is None or expires_at > present):
        later = "No expiry" if expires_at is None else instant(expires_at)
        return [f"{later} is later than {instant(present)}. An expiry can only come sooner."]
    if expires_at is not None and expires_at <= now:
        return ["Choose a time in the future. To end the token now, revoke it."]
    if expires_at is not None and expires_at > now + timedelta(days=MAX_DAYS):
        return [f"Choose a time within {MAX_DAYS} days."]
    return []


def _save(token: ServiceAccountToken, changes: dict[str, Any], actor: Actor, now: datetime) -> None:
    before = token_events.snapshot(token)
    narrower = changes.keys() & {"permissions", "expires_at"}
    if "expires_at" in changes:
        token.shorten(changes.pop("expires_at"), now)
    for field, value in changes.items():
        setattr(token, field, value)
    token.save(update_fields=[*changes, "expires_at", "renewed_at"])
    Organization.objects.advance([token.organization_id])
    token_events.updated(token, actor, before)
    if narrower:
        bound_descendants(token, actor=actor, now=now)
