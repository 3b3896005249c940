"""What the audit log is told about OAuth clients; of secrets it learns only that there is a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.audit import log
from accounts.audit.log import Target
from accounts.drf.fields import instant
from accounts.models import Membership
from accounts.permissions.actor import Actor
from tokens.audit import tokens
from tokens.models import ClientSecret, OAuthClient


def created(client: OAuthClient, actor: Actor) -> None:
    values = {name: [None, value] for name, value in told(client).items()}
    _record("client.created", client, actor, values)


def updated(client: OAuthClient, actor: Actor, before: dict[str, Any]) -> None:
    """``before`` is what ``told`` said; where nothing has changed there is nothing to tell."""
    if changed := log.difference(before, told(client)):
        _record("client.updated", client, actor, changed)


def secret_rotated(client: OAuthClient, actor: Actor, earlier_until: datetime) -> None:
    _record("client.secret_rotated", client, actor, {"earlierSecretsEnd": instant(earlier_until)})


def deleted(client: OAuthClient, actor: Actor, grants: int, reason: str = "") -> None:
    _record("client.deleted", client, actor, {"grantsEnded": grants} | ({"reason": reason} if reason else {}))


def secret_ended(secret: ClientSecret, actor: Actor, grants: int, reason: str) -> None:
    """The program ended that knew it."""
    changes = {"lastFour": secret.last_four, "grantsEnded": grants, "reason": reason}
    _record("client.secret_ended", secret.client, actor, changes)


def transferred(client: OAuthClient, actor: Actor, before: Membership, after: Membership) -> None:
    _record("client.transferred", client, actor, {"responsible": [tokens.named(before), tokens.named(after)]})


def known_to_former_member(client: OAuthClient, actor: Actor, name: str) -> None:
    _record("client.secret_known", client, actor, {"knownTo": name})


def tokens_revoked(client: OAuthClient, actor: Actor, grants: int) -> None:
    if grants:
        _record("client.tokens_revoked", client, actor, {"grantsEnded": grants})


def itself(client: OAuthClient) -> Actor:
    """A client that acts on its own tokens, as the token endpoint knows it."""
    return Actor(type="client", id=client.pk, name=client.name, organization_id=client.organization_id)


def told(client: OAuthClient) -> dict[str, Any]:
    return {"name": client.name, "scopes": list(client.scopes), "refreshAuth": str(client.refresh_auth)}


def _record(action: str, client: OAuthClient, actor: Actor, changes: dict[str, Any]) -> None:
    log.record(
        organization_id=client.organization_id,
        action=action,
        actor=actor,
        target=Target("client", client.public_id, client.name),
        changes=changes,
    )
