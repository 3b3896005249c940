"""The current organization of a browser session: the chosen one, else the user's oldest.

In a support session it is that session's organization, whatever the browser has chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest

from accounts.authentication import browser_proof
from accounts.authorization.rights import actor_of
from accounts.models import Membership, SupportSession
from accounts.permissions.actor import Actor
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role

SESSION_KEY = "organization"


@dataclass(frozen=True, slots=True)
class CurrentOrganization:
    """A user's memberships and the current one."""

    memberships: tuple[Membership, ...]
    membership: Membership | None
    actor: Actor | None
    support: SupportSession | None = None


def current_organization(request: HttpRequest) -> CurrentOrganization:
    """Return the session's current organization, read once per request."""
    found: CurrentOrganization | None = getattr(request, "_current_organization", None)
    support: SupportSession | None = getattr(request, "support_session", None)
    if found is None and support is not None:
        found = request._current_organization = _of_support(support)  # type: ignore[attr-defined]
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


def _of_support(session: SupportSession) -> CurrentOrganization:
    """Return a viewer's view for staff. No row has the membership's id, and flows refuse its actor."""
    organization, role = session.organization, Role.VIEWER
    viewer = Membership(organization=organization, user=session.staff, role=role)
    actor = replace(
        Actor.of_staff(session.staff),
        organization_id=organization.pk,
        organization_name=organization.name,
        role=role,
        scopes=role_scopes(role),
    )
    return CurrentOrganization((viewer,), viewer, actor, session)
