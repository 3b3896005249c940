"""The current organization of a browser session: the chosen one, else the user's oldest."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.authentication import browser_proof
from accounts.authorization.rights import actor_of
from accounts.models import Membership
from accounts.permissions.actor import Actor

SESSION_KEY = "organization"


@dataclass(frozen=True, slots=True)
class CurrentOrganization:
    """A user's memberships and the current one."""

    memberships: tuple[Membership, ...]
    membership: Membership | None
    actor: Actor | None


def current_organization(request: HttpRequest) -> CurrentOrganization:
    """Return the session's current organization, read once per request."""
    found: CurrentOrganization | None = getattr(request, "_current_organization", None)
    if found is None:
        memberships: tuple[Membership, ...] = ()
        if request.user.is_authenticated:
            memberships = tuple(Membership.objects.of(request.user))
        chosen = request.session.get(SESSION_KEY) if memberships else None
        current = next((m for m in memberships if str(m.organization_id) == chosen), None)
        current = current or next(iter(memberships), None)
        actor = actor_of(current, browser_proof.of_request(request)) if current else None
        found = CurrentOrganization(memberships, current, actor)
        request._current_organization = found  # type: ignore[attr-defined]
    return found
