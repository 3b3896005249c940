"""JSON endpoints that pause and resume a token."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.fields import Moment, StrictSerializer, Text
from accounts.drf.tenancy import caller
from accounts.errors import ErrorCode
from tokens.api.token_serializers import TokenSerializer
from tokens.api.tokens import MANAGE, TOKEN_ID, find, serialize
from tokens.service_accounts import pause


class PauseSerializer(StrictSerializer):
    """How long a token is paused, and why."""

    until = Moment(
        allow_null=True,
        default=None,
        help_text=f"At most {pause.MOST_DAYS} days ahead; null until it is resumed.",
    )
    reason = Text(max_length=200, allow_blank=True, default="")


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenPauseView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.TOKEN_NOT_ACTIVE,)}

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
