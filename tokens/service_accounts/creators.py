"""The program that creates a credential, and the latest expiry of what it creates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from accounts.permissions.actor import Actor
from tokens.models import ClientSecret, OAuthClient, ServiceAccountToken


class Parents(TypedDict):
    parent_id: UUID | None
    parent_client_id: UUID | None


@dataclass(frozen=True, slots=True)
class Creator:
    """The creating program. Both ids are None for a person, ``ends_at`` if the program never expires."""

    token_id: UUID | None = None
    client_id: UUID | None = None
    ends_at: datetime | None = None

    @property
    def fields(self) -> Parents:
        return {"parent_id": self.token_id, "parent_client_id": self.client_id}

    def bounded(self, requested: datetime | None) -> datetime | None:
        """Return the requested expiry, or the program's if that is earlier."""
        return earlier(requested, self.ends_at)


def creator_of(actor: Actor, now: datetime) -> Creator:
    """Return the actor's program. Call it under the organization's lock."""
    if actor.type == "service_account":
        return Creator(token_id=actor.id, ends_at=_end_of_token(actor.id))
    if actor.type == "client":
        return Creator(client_id=actor.id, ends_at=_end_of_client(actor.id, now))
    return Creator()


def end_of_renewal(token: ServiceAccountToken, actor: Actor, now: datetime) -> datetime | None:
    """Return the latest expiry that the actor may give the token, or None for no limit.

    It is the end of the program that created the token, and of the actor if that is another program: a token
    may renew itself. Call it under the organization's lock.
    """
    ends = [_end_of_token(token.parent_id), _end_of_client(token.parent_client_id, now)]
    return earlier(*ends, None if actor.id == token.pk else creator_of(actor, now).ends_at)


def earlier(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _end_of_token(pk: UUID | None) -> datetime | None:
    return ServiceAccountToken.objects.filter(pk__in=[pk]).values_list("expires_at", flat=True).first()


def _end_of_client(pk: UUID | None, now: datetime) -> datetime | None:
    """Return the earliest expiry of the client and of the programs that know one of its secrets.

    Any of those programs may be the caller.
    """
    own = OAuthClient.objects.filter(pk__in=[pk]).values_list("expires_at", flat=True)
    secrets = ClientSecret.objects.filter(client__in=[pk], expires_at__gt=now)
    return earlier(*own, *secrets.values_list("expires_at", flat=True))
