"""The settings pages in the order of the side navigation; a page of its own is one more line here."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.actors import Actor


@dataclass(frozen=True, slots=True)
class Place:
    """``view`` is the page's URL name; ``scope`` what a person needs to see it, None for everybody's."""

    label: str
    view: str
    icon: str
    scope: str | None


PLACES = (
    Place("API tokens", "tokens", "key", "tokens.view"),
    Place("OAuth clients", "clients", "client", "clients.view"),
    Place("Members", "members", "people", "members.view"),
    Place("Organization", "organization", "building", "organization.view"),
    Place("Usage", "usage", "usage", "usage.view"),
    Place("Audit log", "audit_log", "log", "auditLog.view"),
    Place("Security", "security", "lock", None),
)


def places_of(actor: Actor) -> list[Place]:
    return [place for place in PLACES if place.scope is None or actor.allows(place.scope)]
