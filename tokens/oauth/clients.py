"""Creation, change, secret rotation and deletion of OAuth clients, under the organization's lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.authorization import policies
from accounts.authorization.rights import Authorization, authorization_of, check_permissions, require_running
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions.actor import Actor
from accounts.permissions.required import require
from accounts.permissions.scopes import ScopeSet
from tokens.audit import client_events
from tokens.crypto import opaque, tagged
from tokens.crypto.access_jwt import MAX_SCOPE
from tokens.grants import revocation
from tokens.models import MAX_OVERLAP_SECONDS, OVERLAP_SECONDS, ClientSecret, OAuthClient
from tokens.models.client import RefreshAuth
from tokens.notifications import client_created
from tokens.service_accounts.creators import creator_of
from tokens.service_accounts.revoke import end_clients, end_created

VIEW, MANAGE = "clients.view", "clients.manage"
SECRET_PREFIX = "tsr_cs_"
REVOKED = "All tokens of the client were revoked"
PARENT_REVOKED = "All tokens of the OAuth client that created it were revoked"


@dataclass(frozen=True, slots=True)
class ClientWithSecret:
    """A client and its new secret's plaintext, which exists here and in the response only."""

    client: OAuthClient
    plaintext: str


@transaction.atomic
def create(
    *,
    actor: Actor,
    name: str,
    scopes: Sequence[str],
    refresh_auth: str = RefreshAuth.REQUIRED,
    now: datetime | None = None,
) -> ClientWithSecret:
    """Create a client of the actor's organization, with its first secret.

    A client created by a program ends with that program. Raises APIError: insufficient_scope if the actor
    lacks a requested scope; invalid_request with fields; token_revoked if the actor's rights have just
    ended; organization_suspended.
    """
    policies.require_recent_proof(actor)
    rights = _locked_rights(actor)
    require_running(rights.member.organization)
    now = now or timezone.now()
    _check_scopes(rights.scopes, scopes)
    creator = creator_of(actor, now)
    client = OAuthClient.objects.create(
        organization_id=rights.member.organization_id,
        name=name,
        scopes=list(dict.fromkeys(scopes)),
        refresh_auth=refresh_auth,
        created_by=rights.member.user,
        responsible=rights.member,
        **creator.fields,
        created_at=now,
        expires_at=creator.ends_at,
    )
    created = ClientWithSecret(client, _new_secret(client, actor, now))
    client_created.enqueue(client, actor, now)
    client_events.created(client, actor)
    return created


@transaction.atomic
def update(
    *,
    client: OAuthClient,
    actor: Actor,
    name: str | None = None,
    scopes: Sequence[str] | None = None,
    refresh_auth: str | None = None,
) -> OAuthClient:
    """Change the given values. Removed scopes no longer apply to issued access tokens either.

    Raises APIError: not_found for a deleted client, insufficient_scope, invalid_request.
    """
    rights = _locked_rights(actor)
    client = _reload(client)
    before = client_events.snapshot(client)
    if scopes is not None:
        _check_scopes(rights.scopes, scopes)
        if ScopeSet.of(client.scopes).missing(scopes):
            policies.require_recent_proof(actor)
        client.scopes = list(dict.fromkeys(scopes))
    client.name = client.name if name is None else name
    client.refresh_auth = client.refresh_auth if refresh_auth is None else refresh_auth
    client.save(update_fields=["name", "scopes", "refresh_auth"])
    Organization.objects.advance([client.organization_id])
    client_events.updated(client, actor, before)
    return client


@transaction.atomic
def rotate_secret(
    *,
    client: OAuthClient,
    actor: Actor,
    overlap_seconds: int = OVERLAP_SECONDS,
    now: datetime | None = None,
) -> ClientWithSecret:
    """Create another secret. Earlier ones stay valid for ``overlap_seconds``, or end now at 0.

    A secret requested by a program ends with that program, which knows it. Raises APIError:
    insufficient_scope if the client has scopes that the actor, who learns the secret, does not have;
    organization_suspended.
    """
    policies.require_recent_proof(actor)
    rights = _locked_rights(actor)
    require_running(rights.member.organization)
    client = _reload(client)
    require(rights.scopes, client.scopes)
    if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
        sentence = f"An overlap is 0 to {MAX_OVERLAP_SECONDS} seconds."
        raise APIError(errors.INVALID_REQUEST, fields={"overlapSeconds": [sentence]})
    now = now or timezone.now()
    until = now + timedelta(seconds=overlap_seconds)
    before = ClientSecret.objects.filter(client=client)
    # A secret that an active program knows is kept: what was opened with it ends with that program.
    of_person = Q(parent=None, parent_client=None)
    before.filter(of_person | Q(expires_at__lte=now), valid_until__lte=now).delete()
    before.filter(Q(valid_until=None) | Q(valid_until__gt=until)).update(valid_until=until)
    created = ClientWithSecret(client, _new_secret(client, actor, now))
    client_events.secret_rotated(client, actor, until)
    return created


@transaction.atomic
@log.batched()
def delete(*, client: OAuthClient, actor: Actor, now: datetime | None = None) -> None:
    """Delete the client and revoke its grants. A second call changes nothing. The record stays."""
    _locked_rights(actor)
    end_clients([client], actor=actor, now=now)


@transaction.atomic
def delete_many(*, chosen: QuerySet[OAuthClient], actor: Actor) -> int:
    """Delete clients of any organizations, for staff. Returns the number of those not deleted before."""
    found = dict(chosen.filter(deleted_at=None).values_list("pk", "organization_id"))
    Organization.objects.lock_all(found.values())
    active = list(OAuthClient.objects.filter(pk__in=found, deleted_at=None))
    end_clients(active, actor=actor)
    return len(active)


@transaction.atomic
@log.batched()
def revoke_tokens(*, client: OAuthClient, actor: Actor, now: datetime | None = None) -> int:
    """Revoke all grants of the client, and end what it created. Returns the number of grants.

    The client may obtain new tokens with its secret.
    """
    _locked_rights(actor)
    client = _reload(client)
    ended = revocation.revoke(client.grants.all(), reason=REVOKED, now=now)
    end_created(Q(parent_client_id=client.pk), actor=actor, reason=PARENT_REVOKED, now=now)
    client_events.tokens_revoked(client, actor, ended)
    return ended


def _locked_rights(actor: Actor) -> Authorization:
    """Lock the organization, and return what the actor may do now."""
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    Organization.objects.lock_all([actor.organization_id])
    return authorization_of(actor, MANAGE)


def _reload(client: OAuthClient) -> OAuthClient:
    """Read the client again under the lock. Raises APIError(not_found) if it was deleted."""
    found = OAuthClient.objects.filter(pk=client.pk, deleted_at=None).select_related("created_by").first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def _check_scopes(held: ScopeSet, scopes: Sequence[str]) -> None:
    check_permissions(held, scopes, field="scopes")
    # An access token contains them all and has to fit into one header.
    if len(" ".join(scopes)) > MAX_SCOPE:
        sentence = f"All scopes together have at most {MAX_SCOPE} characters."
        raise APIError(errors.INVALID_REQUEST, fields={"scopes": [sentence]})


def _new_secret(client: OAuthClient, actor: Actor, now: datetime) -> str:
    plaintext = tagged.new(SECRET_PREFIX)
    creator = creator_of(actor, now)
    ClientSecret.objects.create(
        client=client,
        digest=opaque.digest(plaintext),
        last_four=plaintext[-4:],
        shown_to_id=actor.user_id,
        **creator.fields,
        created_at=now,
        expires_at=creator.ends_at,
    )
    return plaintext
