"""Audit events of OAuth clients. Secrets are never recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.audit import log
from accounts.audit.log import Target
from accounts.drf.fields import instant
from accounts.models import Membership
from accounts.permissions.actor import Actor
from tokens.audit import token_events
from tokens.models import ClientSecret, OAuthClient


def created(client: OAuthClient, actor: Actor) -> None:
    values = {name: [None, value] for name, value in snapshot(client).items()}
    _record("client.created", client, actor, values)


def updated(client: OAuthClient, actor: Actor, before: dict[str, Any]) -> None:
    """Record the difference from ``before``, a ``snapshot``, if there is one."""
    if changed := log.difference(before, snapshot(client)):
        _record("client.updated", client, actor, changed)


def secret_rotated(client: OAuthClient, actor: Actor, earlier_until: datetime) -> None:
    _record("client.secret_rotated", client, actor, {"earlierSecretsEnd": instant(earlier_until)})


def deleted(client: OAuthClient, actor: Actor, grants: int, reason: str = "") -> None:
    _record("client.deleted", client, actor, {"grantsEnded": grants} | ({"reason": reason} if reason else {}))


def secret_ended(secret: ClientSecret, actor: Actor, grants: int, reason: str) -> None:
    """Record that the secret ended with the program that knew it, or because it was found in public."""
    changes = {"lastFour": secret.last_four, "grantsEnded": grants, "reason": reason}
    _record("client.secret_ended", secret.client, actor, changes)


def secret_leaked(client: OAuthClient, actor: Actor, changes: dict[str, Any]) -> None:
    """Record that a secret of the client was found in public."""
    _record("client.secret_leaked", client, actor, changes)


def transferred(client: OAuthClient, actor: Actor, before: Membership, after: Membership) -> None:
    responsible = [token_events.named(before), token_events.named(after)]
    _record("client.transferred", client, actor, {"responsible": responsible})


def known_to_former_member(client: OAuthClient, actor: Actor, name: str) -> None:
    _record("client.secret_known", client, actor, {"knownTo": name})


def tokens_revoked(client: OAuthClient, actor: Actor, grants: int) -> None:
    if grants:
        _record("client.tokens_revoked", client, actor, {"grantsEnded": grants})


def itself(client: OAuthClient) -> Actor:
    """Return the client as the actor on its own tokens."""
    return Actor(type="client", id=client.pk, name=client.name, organization_id=client.organization_id)


def snapshot(client: OAuthClient) -> dict[str, Any]:
    return {"name": client.name, "scopes": list(client.scopes), "refreshAuth": str(client.refresh_auth)}


def _record(action: str, client: OAuthClient, actor: Actor, changes: dict[str, Any]) -> None:
    log.record(
        organization_id=client.organization_id,
        action=action,
        actor=actor,
        target=Target("client", client.public_id, client.name),
        changes=changes,
    )
