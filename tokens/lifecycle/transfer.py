"""Other members become responsible for a member's tokens and OAuth clients.

Nobody transfers what is their own, so whoever transfers stays. The recipient may manage such credentials and
holds all that each of them does: they could have created it. They are mailed, and may revoke it. What a token
or a client created, and ends with, goes to the same member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import errors
from accounts.authorization.acts import Act, authorize
from accounts.authorization.rights import Authorization
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.notifications import outbox
from accounts.permissions.actor import Actor
from tokens.audit import clients as client_trail
from tokens.audit import tokens as trail
from tokens.lifecycle import former_members
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.notifications import transfer_emails
from tokens.oauth import clients
from tokens.service_accounts import issue

NOTHING: Mapping[UUID, UUID] = {}
Credentials = ServiceAccountToken | OAuthClient


@dataclass(frozen=True, slots=True)
class Transfers:
    """By id of a token or a client, the id of the member who takes it over."""

    tokens: Mapping[UUID, UUID]
    clients: Mapping[UUID, UUID]


@dataclass(frozen=True, slots=True)
class _Kind:
    act: Act
    field: str
    noun: str
    manage: str


TOKENS = _Kind(Act.TRANSFER_TOKENS, "transferTokens", "token", issue.MANAGE)
CLIENTS = _Kind(Act.TRANSFER_CLIENTS, "transferClients", "OAuth client", clients.MANAGE)


def transfer(*, rights: Authorization, member: Membership, wanted: Transfers, actor: Actor) -> None:
    """Call it under the organization's lock. Raises APIError: not_found, forbidden, insufficient_scope,
    invalid_request with fields.
    """
    now = timezone.now()
    wanted = _with_created(member, wanted, now)
    mine = {"organization_id": member.organization_id}
    active = ServiceAccountToken.objects.filter(responsible=member).active(now)
    running = OAuthClient.objects.filter(responsible=member, deleted_at=None)
    tokens = _pairs(TOKENS, rights, member, wanted.tokens, ServiceAccountToken.objects.filter(**mine), active)
    taken = _pairs(CLIENTS, rights, member, wanted.clients, OAuthClient.objects.filter(**mine), running)
    for token, taker in tokens:
        ServiceAccountToken.objects.filter(pk=token.pk).update(responsible=taker)
        former_members.mark_token(token, member)
        trail.transferred(token, actor, member, taker)
    for client, taker in taken:
        OAuthClient.objects.filter(pk=client.pk).update(responsible=taker)
        former_members.mark_client(client, member)
        client_trail.transferred(client, actor, member, taker)
    if tokens or taken:
        # Workers remember who is responsible.
        Organization.objects.advance([member.organization_id])
    for taker in {taker for _, taker in (*tokens, *taken)}:
        email = transfer_emails.transferred(
            taker,
            actor.name,
            member.user.display_name,
            [token for token, of in tokens if of == taker],
            [client for client, of in taken if of == taker],
        )
        outbox.enqueue(email, taker.user.email)


def require_parents(member: Membership, wanted: Transfers) -> None:
    """Raise APIError(invalid_request) for what ends with a token of ``member`` that nobody takes over."""
    active = ServiceAccountToken.objects.filter(responsible=member).active(timezone.now())
    ending = active.exclude(pk__in=list(wanted.tokens)).in_bulk()
    tokens = ServiceAccountToken.objects.filter(pk__in=list(wanted.tokens))
    running = OAuthClient.objects.filter(pk__in=list(wanted.clients))
    problems = {}
    for kind, created in ((TOKENS, tokens), (CLIENTS, running)):
        for one in created.filter(parent__in=list(ending)):
            name = ending[one.parent_id].name
            sentence = (
                f"{one.name} ends with the token {name}, which created it: transfer that token as well."
            )
            problems[f"{kind.field}.{one.public_id}"] = [sentence]
    if problems:
        raise APIError(errors.INVALID_REQUEST, fields=problems)


def _with_created(member: Membership, wanted: Transfers, now: datetime) -> Transfers:
    """Also what they created, and what that created, unless another recipient is named for it."""
    tokens, clients = dict(wanted.tokens), dict(wanted.clients)
    parents = tokens | clients
    while parents:
        created = Q(parent_id__in=list(parents)) | Q(parent_client_id__in=list(parents))
        found_tokens = ServiceAccountToken.objects.filter(created, responsible=member).active(now)
        found_clients = OAuthClient.objects.filter(created, responsible=member, deleted_at=None)
        added: dict[UUID, UUID] = {}
        for found, known in ((found_tokens, tokens), (found_clients, clients)):
            rows = found.exclude(pk__in=list(known)).values_list("pk", "parent_id", "parent_client_id")
            new = {pk: parents[token or client] for pk, token, client in rows}
            known.update(new)
            added.update(new)
        parents = added
    return Transfers(tokens, clients)


def recipients(member: Membership) -> list[Membership]:
    """Who may take over tokens of this member, by name."""
    others = Membership.objects.active().filter(organization_id=member.organization_id).exclude(pk=member.pk)
    able = [one for one in others.select_related("user") if one.scopes.allows(issue.MANAGE)]
    return sorted(able, key=lambda one: one.user.display_name.casefold())


def _pairs(
    kind: _Kind,
    rights: Authorization,
    member: Membership,
    wanted: Mapping[UUID, UUID],
    every: QuerySet[Any],
    active: QuerySet[Any],
) -> list[tuple[Any, Membership]]:
    """Each credential with its recipient, once all of them have been checked."""
    if not wanted:
        return []
    authorize(rights, kind.act, member=member)
    credentials = every.in_bulk(list(wanted))
    inside = Membership.objects.filter(organization_id=member.organization_id)
    takers = inside.select_related("user", "organization").in_bulk(set(wanted.values()))
    if credentials.keys() != set(wanted) or takers.keys() != set(wanted.values()):
        raise APIError(errors.NOT_FOUND)
    running = set(active.filter(pk__in=list(wanted)))
    pairs = [(credentials[pk], takers[taker]) for pk, taker in wanted.items()]
    problems = {
        f"{kind.field}.{credential.public_id}": [sentence]
        for credential, taker in pairs
        if (sentence := _problem(kind, credential, taker, member, credential in running))
    }
    if problems:
        raise APIError(errors.INVALID_REQUEST, fields=problems)
    return pairs


def _problem(
    kind: _Kind, credential: Credentials, taker: Membership, member: Membership, active: bool
) -> str:
    """Why this member cannot take this over; "" where they can."""
    name = taker.user.display_name
    if not active:
        return f"{member.user.display_name} is not responsible for an active {kind.noun} of this id."
    if taker.pk == member.pk or not taker.user.is_active:
        return f"{name} cannot take it over. Choose another member."
    if not taker.scopes.allows(kind.manage):
        return f"{name} may not manage {kind.noun}s."
    if taker.scopes.missing(permissions_of(credential)):
        return f"{name} does not hold everything that the {kind.noun} does."
    return ""


def permissions_of(credential: Credentials) -> Sequence[str]:
    held = credential.permissions if isinstance(credential, ServiceAccountToken) else credential.scopes
    return list(held)
