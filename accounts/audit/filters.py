"""Filters of audit events, the same for the API, the page and the exports."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.audit.actions import ACTIONS, ACTIONS_BY_KIND, KINDS
from accounts.audit.models import AuditEvent, AuditEventQuerySet
from accounts.drf.fields import Query, Text
from accounts.drf.pagination import PageQuery

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LONGEST = 40
WORDS = "A UTC day as YYYY-MM-DD, or an instant with its offset from UTC, as 2026-11-16T14:03:22Z."


@extend_schema_field(
    {"type": "string", "maxLength": LONGEST, "anyOf": [{"format": "date"}, {"format": "date-time"}]}
)
class DayOrInstantField(serializers.Field[Any, Any, Any, Any]):
    """A UTC day or an instant; with ``ends``, a day means its last microsecond."""

    default_error_messages = {"invalid": WORDS}

    def __init__(self, *, ends: bool = False, **kwargs: Any) -> None:
        super().__init__(required=False, help_text=WORDS, **kwargs)
        self.ends = ends

    def to_internal_value(self, data: Any) -> Any:
        text = str(data)
        if len(text) > LONGEST:
            self.fail("invalid")
        try:
            if DAY.fullmatch(text):
                start = datetime.combine(date.fromisoformat(text), time(), UTC)
                return start + timedelta(days=1, microseconds=-1) if self.ends else start
            moment = parse_datetime(text)
        except (ValueError, OverflowError):
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail("invalid")
        return moment


class EventFilters(Query):
    """``kind``, ``action``, ``actor``, ``target``, ``from`` and ``to``; each may be left out."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            "kind": serializers.ChoiceField(
                choices=list(KINDS), required=False, help_text="What the actions are about."
            ),
            "action": serializers.ChoiceField(choices=list(ACTIONS), required=False, help_text="One action."),
            "actor": Text(
                max_length=200,
                required=False,
                help_text="Who acted: an id, or a part of a name.",
            ),
            "target": Text(
                max_length=200,
                required=False,
                help_text="What was acted on: an id, or a part of its name.",
            ),
            "from": DayOrInstantField(),
            "to": DayOrInstantField(ends=True),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if first and last and first > last:
            raise serializers.ValidationError({"from": ["The beginning must not lie after the end."]})
        return attrs


class EventQuery(PageQuery, EventFilters):
    """The query parameters of the API's list."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**Query.get_fields(self), **EventFilters.get_fields(self)}


def chosen(organization_id: UUID, wanted: dict[str, Any]) -> AuditEventQuerySet:
    """The organization's events of these filters, as one of the serializers has validated them."""
    found = AuditEvent.objects.filter(organization_id=organization_id)
    if kind := wanted.get("kind"):
        found = found.filter(action__in=list(ACTIONS_BY_KIND[kind]))
    if action := wanted.get("action"):
        found = found.filter(action=action)
    for party in ("actor", "target"):
        if text := wanted.get(party):
            found = found.filter(Q(**{f"{party}_id": text}) | Q(**{f"{party}_name__icontains": text}))
    if first := wanted.get("from"):
        found = found.filter(at__gte=first)
    if last := wanted.get("to"):
        found = found.filter(at__lte=last)
    return found
