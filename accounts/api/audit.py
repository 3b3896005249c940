"""JSON endpoint of the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit.filters import EventQuery, chosen
from accounts.audit.models import AuditEvent
from accounts.drf.fields import CamelCase, Instant, instant
from accounts.drf.pagination import PageLinks, paginate
from accounts.drf.tenancy import organization_id


class PartySerializer(CamelCase):
    """Who acted, or what was acted on, by the name it had then."""

    type = serializers.CharField()
    id = serializers.CharField(allow_null=True, help_text="Null where there is nothing to name.")
    name = serializers.CharField()


class EventSerializer(CamelCase):
    """One act. Events are never changed; `sequence` counts them within the organization."""

    id = serializers.CharField()
    sequence = serializers.IntegerField()
    action = serializers.CharField()
    actor = PartySerializer()
    target = PartySerializer()
    at = Instant()
    ip = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    changes = serializers.DictField(help_text="By name, `[before, after]` or one value; never a secret.")


class EventPage(PageLinks):
    """One page of events."""

    results = EventSerializer(many=True)


@extend_schema(tags=["Organization"])
class AuditEventsView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": "auditLog.view"}

    @extend_schema(
        operation_id="listAuditEvents",
        summary="The audit log",
        parameters=[EventQuery],
        responses=EventPage,
    )
    def get(self, request: Request) -> Response:
        """What happened in the organization, by whom and from where, newest first."""
        query = EventQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        events = chosen(organization_id(request), query.validated_data)
        page = paginate(request, events, name="audit-events", query=query.validated_data, by="sequence")
        return Response(page.body([told(event) for event in page.rows]))


def told(event: AuditEvent) -> dict[str, Any]:
    """An event as the API and the exports tell it."""
    return {
        "id": event.public_id,
        "sequence": event.sequence,
        "action": event.action,
        "actor": _party(event.actor_type, event.actor_id, event.actor_name),
        "target": _party(event.target_type, event.target_id, event.target_name),
        "at": instant(event.at),
        "ip": event.address,
        "requestId": event.request_id,
        "changes": event.changes,
    }


def _party(kind: str, public_id: str, name: str) -> dict[str, str | None]:
    return {"type": kind, "id": public_id or None, "name": name}
