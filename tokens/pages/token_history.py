"""The last audit events of a token, for its page."""

from __future__ import annotations

from accounts.audit.models import AuditEvent
from accounts.audit.words import EventPresenter
from accounts.pages import audit_log_links
from accounts.pages.audit_log import VIEW
from accounts.pages.decorators import PageRequest
from tokens.models import ServiceAccountToken

SHOWN = 5


def events(request: PageRequest, token: ServiceAccountToken) -> list[EventPresenter]:
    """Return the newest events first; none for a person who may not see the audit log."""
    if not request.actor.allows(VIEW):
        return []
    organization_id = token.organization_id
    found = AuditEvent.objects.filter(organization_id=organization_id, target_id=token.public_id)
    newest = list(found.order_by("-sequence")[:SHOWN])
    links = audit_log_links.links(request.actor, organization_id, {event.actor_id for event in newest})
    return [EventPresenter(event, links) for event in newest]
