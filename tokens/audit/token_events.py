"""Audit events of service-account tokens. Secrets are never recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from accounts.audit import log
from accounts.audit.log import Target
from accounts.drf.fields import instant
from accounts.models import Membership
from accounts.permissions.actor import SYSTEM, Actor
from accounts.validation import metadata
from tokens.models import ServiceAccountToken, TokenSecret

# Shown by the token's page, and part of no creation's event.
TEXTS = ("name", "description")


def created(token: ServiceAccountToken, actor: Actor) -> None:
    """Record permissions and expiry, and those limits and entries of metadata that were given."""
    values = snapshot(token)
    given = {name: [None, value] for name, value in values.items() if value and name not in TEXTS}
    _record("token.created", token, actor, **{"expiresAt": [None, None], **given})


def updated(token: ServiceAccountToken, actor: Actor, before: dict[str, Any]) -> None:
    """Record the difference from ``before``, a ``snapshot``, if there is one."""
    if changes := log.difference(before, snapshot(token)):
        _record("token.updated", token, actor, **changes)


def snapshot(token: ServiceAccountToken) -> dict[str, Any]:
    """Return the values that a change may concern, with each entry of the metadata by itself."""
    return {
        "name": token.name,
        "description": token.description,
        "permissions": list(token.permissions),
        "expiresAt": instant(token.expires_at),
        "allowedAddresses": list(token.allowed_addresses),
        "requestsPerDay": token.requests_per_day,
        **metadata.flat(token.metadata),
    }


def revoked(tokens: Iterable[ServiceAccountToken], actor: Actor, reason: str) -> None:
    """Record one event for each token."""
    for token in tokens:
        _record("token.revoked", token, actor, reason=reason)


def rotated(
    token: ServiceAccountToken,
    actor: Actor,
    expired_at: datetime | None,
    *,
    secret: TokenSecret,
    previous: TokenSecret,
    until: datetime,
) -> None:
    """Record a rotation. ``until`` is the overlap's end, ``expired_at`` the former expiry of the token."""
    renewed = (
        {}
        if token.expires_at == expired_at
        else {"expiresAt": [instant(expired_at), instant(token.expires_at)]}
    )
    last_four = [previous.last_four, secret.last_four]
    _record("token.rotated", token, actor, lastFour=last_four, overlapEnds=instant(until), **renewed)


def rotation_finished(token: ServiceAccountToken, actor: Actor, previous: TokenSecret) -> None:
    _record("token.rotation_finished", token, actor, ended=previous.last_four)


def rotation_cancelled(token: ServiceAccountToken, actor: Actor, secret: TokenSecret) -> None:
    _record("token.rotation_cancelled", token, actor, revoked=secret.last_four)


def paused(token: ServiceAccountToken, actor: Actor, changes: dict[str, list[Any]]) -> None:
    """Record a pause, or the changes of one: ``pausedUntil`` and ``pausedReason``."""
    _record("token.paused", token, actor, **changes)


def resumed(token: ServiceAccountToken, actor: Actor, reason: str) -> None:
    _record("token.resumed", token, actor, **({"reason": reason} if reason else {}))


def superseded_used(token: ServiceAccountToken, secret: TokenSecret, count: int) -> None:
    """Record refused uses of a superseded secret. The sender is not known, so the actor is the system."""
    _record("token.superseded_used", token, SYSTEM, lastFour=secret.last_four, refusedUses=count)


def secret_known(secret: TokenSecret, actor: Actor, name: str) -> None:
    """Record who still knows a valid secret after losing access."""
    _record("token.secret_known", secret.token, actor, knownTo=name, lastFour=secret.last_four)


def leaked(token: ServiceAccountToken, actor: Actor, changes: dict[str, Any]) -> None:
    """Record that a secret of the token was found in public."""
    _record("token.leaked", token, actor, **changes)


def transferred(token: ServiceAccountToken, actor: Actor, before: Membership, after: Membership) -> None:
    _record("token.transferred", token, actor, responsible=[named(before), named(after)])


def named(member: Membership) -> str:
    return f"{member.user.display_name} ({member.public_id})"


def _record(action: str, token: ServiceAccountToken, actor: Actor, **changes: Any) -> None:
    log.record(
        organization_id=token.organization_id,
        action=action,
        actor=actor,
        target=Target("token", token.public_id, token.name),
        changes=changes,
    )
