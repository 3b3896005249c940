"""Transfer of a member's tokens and OAuth clients to other responsible members.

Members cannot transfer their own credentials. A recipient must be allowed to manage such credentials and
must hold all of their permissions, as if creating them. Recipients are mailed and may revoke them. What a
transferred token or client created is transferred with it.
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
from tokens.audit import client_events, token_events
from tokens.lifecycle import former_members
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.notifications import transfer_emails
from tokens.oauth import clients
from tokens.service_accounts import issue

NOTHING: Mapping[UUID, UUID] = {}
Credentials = ServiceAccountToken | OAuthClient


@dataclass(frozen=True, slots=True)
class Transfers:
    """Recipients' member ids by the id of a token or client."""

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
    """Transfer the requested credentials, under the organization's lock.

    Raises APIError: not_found, forbidden, insufficient_scope, invalid_request with fields.
    """
    now = timezone.now()
    wanted = _with_created(member, wanted, now)
    mine = {"organization_id": member.organization_id}
    active = ServiceAccountToken.objects.filter(responsible=member).active(now)
    running = OAuthClient.objects.filter(responsible=member, deleted_at=None)
    tokens = _pairs(TOKENS, rights, member, wanted.tokens, ServiceAccountToken.objects.filter(**mine), active)
    taken = _pairs(CLIENTS, rights, member, wanted.clients, OAuthClient.objects.filter(**mine), running)
    for token, recipient in tokens:
        ServiceAccountToken.objects.filter(pk=token.pk).update(responsible=recipient)
        former_members.mark_token(token, member)
        token_events.transferred(token, actor, member, recipient)
    for client, recipient in taken:
        OAuthClient.objects.filter(pk=client.pk).update(responsible=recipient)
        former_members.mark_client(client, member)
        client_events.transferred(client, actor, member, recipient)
    if tokens or taken:
        # Cached credentials contain the responsible member.
        Organization.objects.advance([member.organization_id])
    for recipient in {recipient for _, recipient in (*tokens, *taken)}:
        email = transfer_emails.transferred(
            recipient,
            actor.name,
            member.user.display_name,
            [token for token, of in tokens if of == recipient],
            [client for client, of in taken if of == recipient],
        )
        outbox.enqueue(email, recipient.user.email)


def require_parents(member: Membership, wanted: Transfers) -> None:
    """Raise APIError(invalid_request) for credentials whose parent token is not transferred with them."""
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
    """Add what the credentials created, directly or not, unless it has a recipient of its own."""
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


def eligible_recipients(member: Membership) -> list[Membership]:
    """Return the members who may take over tokens of this member, by name."""
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
    """Return each credential with its recipient, after checking all of them."""
    if not wanted:
        return []
    authorize(rights, kind.act, member=member)
    credentials = every.in_bulk(list(wanted))
    inside = Membership.objects.filter(organization_id=member.organization_id)
    recipients = inside.select_related("user", "organization").in_bulk(set(wanted.values()))
    if credentials.keys() != set(wanted) or recipients.keys() != set(wanted.values()):
        raise APIError(errors.NOT_FOUND)
    running = set(active.filter(pk__in=list(wanted)))
    pairs = [(credentials[pk], recipients[recipient]) for pk, recipient in wanted.items()]
    problems = {
        f"{kind.field}.{credential.public_id}": [sentence]
        for credential, recipient in pairs
        if (sentence := _problem(kind, credential, recipient, member, credential in running))
    }
    if problems:
        raise APIError(errors.INVALID_REQUEST, fields=problems)
    return pairs


def _problem(
    kind: _Kind, credential: Credentials, recipient: Membership, member: Membership, active: bool
) -> str:
    """Return why the recipient cannot take the credential over, or ""."""
    name = recipient.user.display_name
    if not active:
        return f"{member.user.display_name} is not responsible for an active {kind.noun} of this id."
    if recipient.pk == member.pk or not recipient.user.is_active:
        return f"{name} cannot take it over. Choose another member."
    if not recipient.scopes.allows(kind.manage):
        return f"{name} may not manage {kind.noun}s."
    if recipient.scopes.missing(permissions_of(credential)):
        return f"{name} does not hold everything that the {kind.noun} does."
    return ""


def permissions_of(credential: Credentials) -> Sequence[str]:
    held = credential.permissions if isinstance(credential, ServiceAccountToken) else credential.scopes
    return list(held)
