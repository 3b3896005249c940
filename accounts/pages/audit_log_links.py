"""Links from audit events to the pages of their actors and targets, by public id prefix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.urls import reverse

from accounts import typeid
from accounts.members import invitations
from accounts.models import Membership
from accounts.permissions.actor import Actor


@dataclass(frozen=True, slots=True)
class Destination:
    """Where rows of one kind are shown: to holders of ``scope``, while ``rows`` of the organization has them.

    ``key`` is the field whose value the public id names; ``address`` is made of the row's primary key.
    """

    scope: str
    rows: Callable[[UUID], QuerySet[Any]]
    address: Callable[[UUID], str]
    key: str = "pk"


def _members(organization_id: UUID) -> QuerySet[Any]:
    return Membership.objects.filter(organization_id=organization_id)


def _of_member(pk: UUID) -> str:
    member = typeid.encode("mem", pk)
    return f"{reverse('members')}?member={member}#{member}"


def _of_invitation(pk: UUID) -> str:
    return f"{reverse('members')}#{typeid.encode('inv', pk)}"


# Apps above this one add their own in AppConfig.ready.
DESTINATIONS = {
    "inv": Destination("members.view", invitations.of_organization, _of_invitation),
    "mem": Destination("members.view", _members, _of_member),
    "usr": Destination("members.view", _members, _of_member, key="user_id"),
}


def links(actor: Actor, organization_id: UUID, public_ids: Iterable[str]) -> dict[str, str]:
    """Return the URLs of the pages that exist and that the actor may open, in at most one query."""
    wanted: dict[str, dict[UUID, str]] = defaultdict(dict)
    for public_id in public_ids:
        prefix = public_id.partition("_")[0]
        if prefix in DESTINATIONS and actor.allows(DESTINATIONS[prefix].scope):
            with suppress(ValueError):
                wanted[prefix][typeid.decode(prefix, public_id)] = public_id
    if not wanted:
        return {}
    first, *others = [_rows(DESTINATIONS[prefix], organization_id, keys) for prefix, keys in wanted.items()]
    found = dict(first.union(*others))
    return {
        public_id: DESTINATIONS[prefix].address(found[key])
        for prefix, keys in wanted.items()
        for key, public_id in keys.items()
        if key in found
    }


def _rows(destination: Destination, organization_id: UUID, keys: Iterable[UUID]) -> QuerySet[Any]:
    rows: QuerySet[Any] = destination.rows(organization_id).select_related(None).order_by()
    named: QuerySet[Any] = rows.annotate(key=F(destination.key)).filter(key__in=list(keys))
    return named.values_list("key", "pk")
