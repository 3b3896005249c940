"""The pages of the side navigation, in its order."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from accounts.oidc.providers import GOOGLE, MICROSOFT
from accounts.permissions.actor import Actor


@dataclass(frozen=True, slots=True)
class Place:
    """``view`` is the page's URL name; ``scope`` what a person needs to see it, None for everybody's.

    ``subpages`` are the paths of its subpages that do not lie below its own.
    """

    label: str
    view: str
    icon: str
    scope: str | None
    subpages: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return reverse(self.view)

    def current(self, path: str) -> str:
        """Return the value of aria-current on the page at ``path``."""
        if path == self.url:
            return "page"
        return "true" if path.startswith((self.url, *self.subpages)) else ""


ORGANIZATION = (
    Place("API tokens", "tokens", "key", "tokens.view"),
    Place("OAuth clients", "clients", "client", "clients.view"),
    Place("Members", "members", "people", "members.view"),
    Place("Organization", "organization", "building", "organization.view"),
    Place("Usage", "usage", "usage", "usage.view"),
    Place("Audit log", "audit_log", "log", "auditLog.view"),
)
SIGN_IN = ("2fa/", "email/", "password/", "reauthenticate/", f"{GOOGLE}/", f"{MICROSOFT}/")
YOU = (
    Place("Profile", "profile", "person", None),
    Place("Security", "security", "lock", None, tuple(f"/accounts/{path}" for path in SIGN_IN)),
)

HELP = (Place("Documentation", "docs", "book", None),)


def places_of(actor: Actor | None) -> list[Place]:
    """Return the pages that the actor may open; [] without an organization."""
    if actor is None:
        return []
    return [place for place in ORGANIZATION if place.scope is None or actor.allows(place.scope)]
