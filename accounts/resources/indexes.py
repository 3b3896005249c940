"""Indexes: named resources of an organization, each of which permissions may name by its UUID."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import errors
from accounts.audit import log
from accounts.audit.log import Target
from accounts.errors import APIError
from accounts.models import Organization
from accounts.models.index import Index
from accounts.permissions import required
from accounts.permissions.actor import SYSTEM, Actor
from accounts.permissions.scopes import ANY, Scope, ScopeSet, covers
from accounts.validation.text import name_key

CANONICAL = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
TAKEN = "An index of this name exists already."


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID of its text form (RFC 9562 section 4), in either case; None for any other text."""
    return UUID(text) if CANONICAL.fullmatch(text) else None


def scope_of(action: str, uuid: UUID) -> str:
    return f"index:{action}:{uuid}"


def of_organization(organization_id: UUID) -> QuerySet[Index]:
    return Index.objects.filter(organization_id=organization_id)


def find(organization_id: UUID, uuid: UUID | None) -> Index:
    """Return the organization's index; raises APIError(not_found) for any other."""
    found = uuid and of_organization(organization_id).filter(pk=uuid).first()
    if not found:
        raise APIError(errors.NOT_FOUND)
    return found


def require(actor: Actor, action: str, index: Index) -> None:
    """Raise APIError(insufficient_scope) if the actor lacks this permission on the index."""
    required.require(actor.scopes, [scope_of(action, index.pk)])


def allowed(indexes: QuerySet[Index], action: str, scopes: ScopeSet) -> QuerySet[Index]:
    """Return those of ``indexes`` that the scopes cover; raises APIError if they can cover none."""
    reached = {
        granted.identifier
        for granted in scopes.parsed
        if covers(granted, Scope("index", action, granted.identifier))
    }
    # With fewer of them, the list would be shorter.
    required.record(f"index:{action}:{identifier}" for identifier in sorted(reached or {ANY}))
    if not reached:
        raise APIError(errors.INSUFFICIENT_SCOPE, required=[f"index:{action}:{ANY}"])
    if ANY in reached:
        return indexes
    return indexes.filter(pk__in=[uuid for uuid in map(parse_uuid, reached) if uuid])


@transaction.atomic
def create(*, organization_id: UUID, name: str, actor: Actor = SYSTEM) -> Index:
    """Create an index; raises APIError: 400 for a taken name, token_revoked for a deleted organization."""
    try:
        Organization.objects.locked(organization_id)
    except Organization.DoesNotExist:
        raise APIError(errors.TOKEN_REVOKED) from None
    _check_name(organization_id, name)
    index = Index.objects.create(organization_id=organization_id, name=name)
    _record("index.created", index, actor, [None, name])
    return index


@transaction.atomic
def rename(*, index: Index, name: str, actor: Actor = SYSTEM) -> Index:
    """Rename an index; raises APIError: not_found if it was just deleted, 400 for a taken name."""
    Organization.objects.lock_all([index.organization_id])
    found = find(index.organization_id, index.pk)
    if found.name != name:
        _check_name(index.organization_id, name, but=index.pk)
        before, found.name = found.name, name
        found.save(update_fields=["name"])
        _record("index.changed", found, actor, [before, name])
    return found


@transaction.atomic
def delete(*, index: Index, actor: Actor = SYSTEM) -> None:
    """Delete an index; a second call changes nothing."""
    Organization.objects.lock_all([index.organization_id])
    ended, _ = Index.objects.filter(pk=index.pk).delete()
    if ended:
        _record("index.deleted", index, actor, [index.name, None])


def _record(action: str, index: Index, actor: Actor, name: list[str | None]) -> None:
    log.record(
        organization_id=index.organization_id,
        action=action,
        actor=actor,
        target=Target("index", str(index.pk), index.name),
        changes={"name": name},
    )


def is_taken(organization_id: UUID, name: str, *, but: UUID | None = None) -> bool:
    """Whether an index, other than ``but``, has a name that looks the same."""
    taken = {name_key(one): pk for pk, one in of_organization(organization_id).values_list("pk", "name")}
    return taken.get(name_key(name), but) != but


def _check_name(organization_id: UUID, name: str, *, but: UUID | None = None) -> None:
    """Raise if the name is taken. Call it under the organization's lock, so that one of two requests wins."""
    if is_taken(organization_id, name, but=but):
        raise APIError(errors.INVALID_REQUEST, fields={"name": [TAKEN]})
