"""JSON endpoints that pause and resume a token, and report what was refused meanwhile."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.fields import CamelCase, Instant, Moment, StrictSerializer, Text
from accounts.drf.tenancy import caller
from accounts.errors import ErrorCode
from tokens.api.token_serializers import TokenSerializer
from tokens.api.tokens import MANAGE, TOKEN_ID, VIEW, find, serialize
from tokens.service_accounts import pause, pause_report


class PauseSerializer(StrictSerializer):
    """How long a token is paused, and why."""

    until = Moment(
        allow_null=True,
        default=None,
        help_text=f"At most {pause.MOST_DAYS} days ahead; null until it is resumed.",
    )
    reason = Text(max_length=200, allow_blank=True, default="")


class RefusedAddressSerializer(CamelCase):
    """Refused calls from one address."""

    address = serializers.CharField()
    calls = serializers.IntegerField(source="count")
    last_at = Instant()


class PauseReportSerializer(CamelCase):
    """The present pause or the last one; the times are null without one in the last 90 days."""

    paused_at = Instant(allow_null=True)
    paused_until = Instant(allow_null=True)
    ended_at = Instant(allow_null=True, help_text="null while it lasts.")
    reason = serializers.CharField(allow_null=True)
    counted_since = Instant(allow_null=True, help_text="Calls are counted for the last 90 days.")
    calls = serializers.IntegerField(help_text="All calls that were refused during the pause.")
    addresses = RefusedAddressSerializer(
        many=True, help_text=f"The {pause_report.MOST_ADDRESSES} addresses of most calls."
    )


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenPauseView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.TOKEN_NOT_ACTIVE,)}

    @extend_schema(
        operation_id="readTokenPause",
        summary="What was refused during a pause",
        responses=PauseReportSerializer,
    )
    def get(self, request: Request, token_id: str) -> Response:
        """Shows whether any program still needs the token: which addresses called with it, and how often.

        Reports the present pause, or the last one. Calls beyond an address' limit of refused calls are not
        counted.
        """
        report = pause_report.report(find(request, token_id), timezone.now())
        return Response(PauseReportSerializer(report).data)

    @extend_schema(
        operation_id="pauseToken",
        summary="Pause a token",
        request=PauseSerializer,
        responses=TokenSerializer,
    )
    def post(self, request: Request, token_id: str) -> Response:
        """Refuses every request with the token at once, until it is resumed or until the given time.

        A paused token gets the new end and reason. It keeps its name and counts as an active token. Tokens
        and clients that it created continue to work.
        """
        token = find(request, token_id)
        wanted = PauseSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(serialize(pause.pause(token=token, actor=caller(request), **wanted.validated_data)))


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenResumeView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.TOKEN_NOT_ACTIVE,)}

    @extend_schema(
        operation_id="resumeToken", summary="Resume a token", request=None, responses=TokenSerializer
    )
    def post(self, request: Request, token_id: str) -> Response:
        """Accepts requests with the token again. Resuming one that is not paused changes nothing."""
        token = find(request, token_id)
        return Response(serialize(pause.resume(token=token, actor=caller(request))))
