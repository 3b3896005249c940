"""JSON endpoint of the audit log."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit.filters import EventQuery, chosen
from accounts.audit.serialize import event_json
from accounts.drf.fields import CamelCase, Instant
from accounts.drf.pagination import PageLinks, SignedCursorPagination
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
        pages = SignedCursorPagination("audit-events", query.validated_data, ordering="-sequence")
        page = pages.paginate_queryset(events, request)
        return pages.get_paginated_response([event_json(event) for event in page])
