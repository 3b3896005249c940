"""OAuth clients: made, changed, given new secrets and ended, each under the organization's lock."""

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
from accounts.authorization.rights import check_permissions, require_running
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.permissions.actor import Actor
from accounts.permissions.scopes import ScopeSet
from tokens.audit import clients
from tokens.crypto import opaque, tagged
from tokens.crypto.access_jwt import MAX_SCOPE
from tokens.grants import engine
from tokens.models import ClientSecret, OAuthClient
from tokens.models.client import RefreshAuth
from tokens.notifications import client_created
from tokens.service_accounts.creators import creator_of
from tokens.service_accounts.issue import current_rights
from tokens.service_accounts.revoke import end_clients, end_created

VIEW, MANAGE = "clients.view", "clients.manage"
SECRET_PREFIX = "tsr_cs_"
OVERLAP_SECONDS = 86_400
MAX_OVERLAP_SECONDS = 7 * 86_400
REVOKED = "All tokens of the client were revoked"
PARENT_REVOKED = "All tokens of the OAuth client that created it were revoked"


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A client and its new secret's plaintext, which exists here and in the one answer."""

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
) -> WithSecret:
    """Make a client of the actor's organization, with its first secret; one of a program ends with it.

    Raises APIError: insufficient_scope where the actor does not hold what is asked, invalid_request with
    fields, token_revoked where the actor's rights have just ended, organization_suspended.
    """
    policies.require_recent_proof(actor)
    member, held = _rights(actor)
    require_running(member.organization)
    now = now or timezone.now()
    _check_scopes(held, scopes)
    creator = creator_of(actor, now)
    client = OAuthClient.objects.create(
        organization_id=member.organization_id,
        name=name,
        scopes=list(dict.fromkeys(scopes)),
        refresh_auth=refresh_auth,
        created_by=member.user,
        responsible=member,
        **creator.fields,
        created_at=now,
        expires_at=creator.ends_at,
    )
    made = WithSecret(client, _new_secret(client, actor, now))
    client_created.enqueue(client, actor, now)
    clients.created(client, actor)
    return made


@transaction.atomic
def update(
    *,
    client: OAuthClient,
    actor: Actor,
    name: str | None = None,
    scopes: Sequence[str] | None = None,
    refresh_auth: str | None = None,
) -> OAuthClient:
    """Change what is given; fewer scopes hold at once, for access tokens that are out as well.

    Raises APIError: not_found for a client that was deleted, insufficient_scope, invalid_request.
    """
    _, held = _rights(actor)
    client = _living(client)
    before = clients.told(client)
    if scopes is not None:
        _check_scopes(held, scopes)
        if ScopeSet.of(client.scopes).missing(scopes):
            policies.require_recent_proof(actor)
        client.scopes = list(dict.fromkeys(scopes))
    client.name = client.name if name is None else name
    client.refresh_auth = client.refresh_auth if refresh_auth is None else refresh_auth
    client.save(update_fields=["name", "scopes", "refresh_auth"])
    Organization.objects.advance([client.organization_id])
    clients.updated(client, actor, before)
    return client


@transaction.atomic
def rotate_secret(
    *,
    client: OAuthClient,
    actor: Actor,
    overlap_seconds: int = OVERLAP_SECONDS,
    now: datetime | None = None,
) -> WithSecret:
    """Give the client another secret; those before it hold for ``overlap_seconds`` more, or end now at 0.

    A secret that a program asked for ends with the program, which knows it.

    Raises APIError: insufficient_scope where the client may more than the actor, who would come to hold it;
    organization_suspended.
    """
    policies.require_recent_proof(actor)
    member, held = _rights(actor)
    require_running(member.organization)
    client = _living(client)
    if missing := held.missing(client.scopes):
        raise APIError(errors.INSUFFICIENT_SCOPE, required=missing)
    if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
        sentence = f"An overlap is 0 to {MAX_OVERLAP_SECONDS} seconds."
        raise APIError(errors.INVALID_REQUEST, fields={"overlapSeconds": [sentence]})
    now = now or timezone.now()
    until = now + timedelta(seconds=overlap_seconds)
    before = ClientSecret.objects.filter(client=client)
    # One that a running program knows is kept: what was opened by it ends with that program.
    known_to_person = Q(parent=None, parent_client=None)
    before.filter(known_to_person | Q(expires_at__lte=now), valid_until__lte=now).delete()
    before.filter(Q(valid_until=None) | Q(valid_until__gt=until)).update(valid_until=until)
    made = WithSecret(client, _new_secret(client, actor, now))
    clients.secret_rotated(client, actor, until)
    return made


@transaction.atomic
@log.batched()
def delete(*, client: OAuthClient, actor: Actor, now: datetime | None = None) -> None:
    """End the client and its grants, for good; a second call changes nothing. The record stays."""
    _rights(actor)
    end_clients([client], actor=actor, now=now)


@transaction.atomic
def delete_many(*, chosen: QuerySet[OAuthClient], actor: Actor) -> int:
    """End clients of any organizations, for staff; returns how many were not deleted before."""
    found = dict(chosen.filter(deleted_at=None).values_list("pk", "organization_id"))
    Organization.objects.lock_all(found.values())
    living = list(OAuthClient.objects.filter(pk__in=found, deleted_at=None))
    end_clients(living, actor=actor)
    return len(living)


@transaction.atomic
@log.batched()
def revoke_tokens(*, client: OAuthClient, actor: Actor, now: datetime | None = None) -> int:
    """End all grants of the client, and what it created. Returns how many grants ended.

    The client may get new tokens by its secret.
    """
    _rights(actor)
    client = _living(client)
    ended = engine.revoke(client.grants.all(), reason=REVOKED, now=now)
    end_created(Q(parent_client_id=client.pk), actor=actor, reason=PARENT_REVOKED, now=now)
    clients.tokens_revoked(client, actor, ended)
    return ended


def _rights(actor: Actor) -> tuple[Membership, ScopeSet]:
    """Take the organization's lock, then ask what the actor may now."""
    if actor.organization_id is None:
        raise APIError(errors.TOKEN_REVOKED)
    Organization.objects.lock_all([actor.organization_id])
    return current_rights(actor, MANAGE)


def _living(client: OAuthClient) -> OAuthClient:
    """The client as it is under the lock; raises APIError(not_found) for one that was deleted."""
    found = OAuthClient.objects.filter(pk=client.pk, deleted_at=None).select_related("created_by").first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found


def _check_scopes(held: ScopeSet, scopes: Sequence[str]) -> None:
    check_permissions(held, scopes, field="scopes")
    # An access token carries them all, and has to fit into one header.
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
