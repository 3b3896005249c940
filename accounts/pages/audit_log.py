"""Settings, Audit log: list and export of the organization's events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.core.exceptions import BadRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.audit import export as audit_export
from accounts.audit import heads
from accounts.audit.actions import ACTIONS_BY_KIND, KINDS
from accounts.audit.filters import EventFilters, chosen
from accounts.audit.grouping import GROUPED, grouped
from accounts.audit.models import AuditEvent
from accounts.audit.words import EventPresenter, GroupPresenter
from accounts.drf.fields import instant
from accounts.pages import audit_log_links
from accounts.pages.decorators import PageRequest, page

VIEW = "auditLog.view"
# One page has at most so many rows, made of at most so many events.
MOST_ROWS = 50
MOST_EVENTS = 100
LONGEST_SEQUENCE = 18
NAMES = ("kind", "action", "actor", "target", "from", "to")
# Filters beside the kind, which has links of its own.
DETAILED = NAMES[1:]


@require_safe
@page(VIEW)
def audit_log(request: PageRequest) -> HttpResponse:
    """List events, newest first. Filters are query parameters; an invalid one is reported and ignored."""
    wanted, errors = _filters(request)
    events = chosen(request.membership.organization_id, wanted)
    below = request.GET.get("before", "")
    if below.isascii() and below.isdigit() and len(below) <= LONGEST_SEQUENCE:
        shown = events.filter(sequence__lt=int(below))
    else:
        shown, below = events, ""
    found = list(shown.order_by("-sequence")[: MOST_EVENTS + 1])
    # A reader who chose sign-ins or one action wants each event.
    actions = () if wanted.get("kind") == "sign-ins" or wanted.get("action") else GROUPED
    groups = grouped(found[:MOST_EVENTS], MOST_ROWS, actions)
    context = {
        "groups": _presented(request, groups),
        "older": _older(found, groups),
        "below": below,
        "count": events.count(),
        "kinds": KINDS,
        "actions": {KINDS[kind]: actions for kind, actions in ACTIONS_BY_KIND.items()},
        "given": {name.replace("from", "since"): request.GET.get(name, "")[:200] for name in NAMES},
        "errors": errors,
        "is_detailed": any(request.GET.get(name) for name in DETAILED),
        "is_filtered": any(request.GET.get(name) for name in NAMES),
    }
    return render(request, "accounts/audit_log.html", context, status=400 if errors else 200)


def _presented(request: PageRequest, groups: Sequence[Sequence[AuditEvent]]) -> list[GroupPresenter]:
    named = {name for group in groups for event in group for name in (event.actor_id, event.target_id)}
    links = audit_log_links.links(request.actor, request.membership.organization_id, named)
    return [GroupPresenter([EventPresenter(event, links) for event in group]) for group in groups]


def _older(found: Sequence[AuditEvent], groups: Sequence[Sequence[AuditEvent]]) -> int | None:
    """Return the sequence before which the next page begins, or None after the last event."""
    shown = sum(map(len, groups))
    return found[shown - 1].sequence if len(found) > shown else None


@require_safe
@page(VIEW)
def export(request: PageRequest, form: str) -> HttpResponse:
    """Return the same events as a file, oldest first."""
    wanted, errors = _filters(request)
    if errors:
        raise BadRequest(" ".join(sentence for found in errors.values() for sentence in found))
    organization = request.membership.organization
    events, head = chosen(organization.pk, wanted), heads.current(organization.pk, timezone.now())
    if form == "csv":
        body, kind = audit_export.as_csv(events, head), "text/csv; charset=utf-8"
    else:
        about = {
            "organization": {"id": organization.public_id, "name": organization.name},
            "exportedAt": instant(timezone.now()),
            "head": head.text,
            "filters": {name: request.GET[name] for name in NAMES if request.GET.get(name)},
        }
        body, kind = audit_export.as_json(events, about), "application/json"
    name = f"audit-log-{organization.slug}.{form}"
    disposition = content_disposition_header(True, name) or "attachment"
    response = StreamingHttpResponse(
        body,
        content_type=kind,
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
    )
    # A page's guard hands on whatever the view answers with; Django's two kinds share no narrower type.
    return cast(HttpResponse, response)


def _filters(request: PageRequest) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the filters and {}, or {} and the errors by parameter if one is invalid."""
    # A form sends its empty fields, too.
    filters = EventFilters(data={name: request.GET[name] for name in NAMES if request.GET.get(name)})
    if filters.is_valid():
        return filters.validated_data, {}
    return {}, {name: [str(one) for one in found] for name, found in filters.errors.items()}
