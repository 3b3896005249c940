"""JSON endpoint of one token's usage, with outcomes, durations, permissions, networks and routes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.drf.fields import CamelCase, Instant
from tokens.api.tokens import TOKEN_ID, find
from tokens.api.usage_serializers import CountSerializer, UsageQuery, checked_range
from tokens.models import ServiceAccountToken
from tokens.usage import token_usage
from tokens.usage.token_usage import TokenUsage

DAYS, MOST_DAYS, MOST_DAYS_BY_HOUR = 30, 90, 7


class TokenUsageQuery(UsageQuery):
    """``from`` and ``to``, both included, and the length of the periods."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        by = serializers.ChoiceField(
            choices=("day", "hour"),
            default="day",
            help_text=f"`day` for at most {MOST_DAYS} days, `hour` for at most {MOST_DAYS_BY_HOUR}.",
        )
        fields = super().get_fields()
        fields[
            "from"
        ].help_text = (
            f"The first day; by default {DAYS} days up to `to`, and {MOST_DAYS_BY_HOUR} days by hour."
        )
        return fields | {"by": by}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        by = attrs["by"]
        if by == "hour":
            sentence = f"By hour, a report covers at most {MOST_DAYS_BY_HOUR} days."
            days = checked_range(attrs, MOST_DAYS_BY_HOUR, MOST_DAYS_BY_HOUR, sentence)
        else:
            days = checked_range(attrs, DAYS, MOST_DAYS, f"A token’s report covers at most {MOST_DAYS} days.")
        return {"by": by, **days}


class PeriodSerializer(CountSerializer):
    """Requests of one UTC day or hour. Outcomes and durations are statistics of up to a second ago."""

    at = Instant(help_text="The start of the day or hour.")
    ok = serializers.IntegerField(source="outcomes.ok", help_text="Status below 400.")
    client_errors = serializers.IntegerField(
        source="outcomes.client_errors", help_text="Status 4xx except 429."
    )
    server_errors = serializers.IntegerField(source="outcomes.failed", help_text="Status 5xx.")
    p50_ms = serializers.FloatField(allow_null=True, help_text="Median duration; null without a request.")
    p95_ms = serializers.FloatField(allow_null=True, help_text="95th percentile of the durations.")


class PermissionUseSerializer(CamelCase):
    """A permission that calls required."""

    permission = serializers.CharField(source="name", help_text="`other` is the rest of days with many.")
    calls = serializers.IntegerField(source="seen.count")
    last_used_at = Instant(source="seen.last_at")


class NetworkSeenSerializer(CamelCase):
    """A network (/24 or /48) that calls came from."""

    network = serializers.CharField(source="name", help_text="`other` is the rest of days with many.")
    calls = serializers.IntegerField(source="seen.count")
    first_seen_at = Instant(source="seen.first_at")
    last_seen_at = Instant(source="seen.last_at")


class MethodUseSerializer(CamelCase):
    """A method and route that were called."""

    route = serializers.CharField(help_text="The route’s name, or the `require` of forward authentication.")
    method = serializers.CharField(help_text="Both are `other` for the rest of days with many routes.")
    calls = serializers.IntegerField(source="seen.count")


class TokenUsageSerializer(CamelCase):
    """A token's usage over a range. The lists after ``series`` are of whole days, the busiest first."""

    series = PeriodSerializer(many=True, help_text="Every day or hour of the range, the oldest first.")
    permissions = PermissionUseSerializer(many=True)
    networks = NetworkSeenSerializer(many=True)
    methods = MethodUseSerializer(many=True)


@extend_schema(tags=["Usage"], parameters=[TOKEN_ID])
class TokenUsageView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": "usage.view"}

    @extend_schema(
        operation_id="readTokenUsage",
        summary="What one token’s calls did",
        parameters=[TokenUsageQuery],
        responses=TokenUsageSerializer,
    )
    def get(self, request: Request, token_id: str) -> Response:
        """Calls and refusals are exact. The rest are statistics: a killed process loses a second of them.

        All are kept for 90 days.
        """
        token = find(request, token_id)
        query = TokenUsageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response(TokenUsageSerializer(usage(token, **query.validated_data)).data)


def usage(token: ServiceAccountToken, by: str, first: date, last: date) -> TokenUsage:
    now = timezone.now()
    if by == "day":
        return token_usage.by_day(token, first, last, now)
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, last))
    return token_usage.by_hour(token, begin, end + timedelta(hours=23), now)
