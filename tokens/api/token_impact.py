"""JSON endpoint of a token's impact: what its revocation would affect."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.drf.fields import CamelCase, Instant
from ratelimit.usage import reports
from tokens.api.tokens import TOKEN_ID, VIEW, find
from tokens.service_accounts.ending import ending


class NetworkUseSerializer(CamelCase):
    """A network (/24 or /48) of the last call of one or more UTC days."""

    network = serializers.CharField()
    calls = serializers.IntegerField(help_text="All calls of the days whose last call came from here.")
    last_used_on = serializers.DateField()


class CreatedProgramsSerializer(CamelCase):
    """Numbers of active programs that the token created, over generations. They end with it."""

    tokens = serializers.IntegerField()
    clients = serializers.IntegerField()


class ImpactSerializer(CamelCase):
    """Recent use of a token, and what ends with it."""

    calls24h = serializers.IntegerField(
        source="impact.calls_24h", help_text="From the start of the hour 24 hours ago."
    )
    calls7d = serializers.IntegerField(
        source="impact.calls_7d", help_text="From the start of the UTC day 7 days ago."
    )
    last_used_at = Instant(source="impact.last_used_at", allow_null=True)
    last_used_ip = serializers.CharField(source="impact.last_used_ip", allow_null=True)
    networks = NetworkUseSerializer(
        source="impact.networks", many=True, help_text="Of the last 7 days, the one with most calls first."
    )
    children = CreatedProgramsSerializer()
    used_in_last7_days = serializers.BooleanField(
        source="total.used_in_7_days", help_text="Whether it or a program that ends with it was used."
    )


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenImpactView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW}

    @extend_schema(
        operation_id="readTokenImpact", summary="What a revocation would affect", responses=ImpactSerializer
    )
    def get(self, request: Request, token_id: str) -> Response:
        """Shows the use of a token before it is revoked, as the page that revokes it does."""
        token = find(request, token_id)
        now = timezone.now()
        used = reports.totals(token.organization_id, [token.pk], now=now)
        found = ending(token.organization_id, used, now)
        body = {
            "impact": found.impacts[token.pk],
            "total": found.total,
            "children": {"tokens": len(found.tokens), "clients": len(found.clients)},
        }
        return Response(ImpactSerializer(body).data)
