"""JSON endpoints of a token's rotation."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.fields import StrictSerializer, WholeNumber
from accounts.drf.tenancy import caller
from accounts.errors import APIError, ErrorCode
from tokens.api.token_serializers import CreatedTokenSerializer, TokenSerializer
from tokens.api.tokens import IDEMPOTENT, MANAGE, TOKEN_ID, created, find, idempotency_key, serialize
from tokens.models import MAX_DAYS, MAX_OVERLAP_SECONDS, OVERLAP_SECONDS
from tokens.service_accounts import rotation
from tokens.service_accounts.issue import AlreadyCreated


class RotateSerializer(StrictSerializer):
    """How long the present secret stays valid, and a new expiry of the token."""

    overlap_seconds = WholeNumber(
        min_value=0,
        max_value=MAX_OVERLAP_SECONDS,
        default=OVERLAP_SECONDS,
        help_text="How long the present secret stays valid; 0 ends it now.",
    )
    close_after_first_use_seconds = WholeNumber(
        min_value=0,
        max_value=MAX_OVERLAP_SECONDS,
        allow_null=True,
        default=None,
        help_text="End the overlap that long after the new secret's first use, if that is sooner.",
    )
    expires_in_days = WholeNumber(
        min_value=1,
        max_value=MAX_DAYS,
        allow_null=True,
        required=False,
        help_text="Start a new expiry, counted from now. Left out, the expiry stays; null never expires, if "
        "the organization allows it. The end of the program that created the token shortens it, and so does "
        "the end of another program that rotates it: the response has the resulting `expiresAt`.",
    )


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenRotateView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (
            errors.ALREADY_CREATED,
            errors.ROTATION_IN_PROGRESS,
            errors.TOKEN_NOT_ACTIVE,
            errors.RATE_LIMITED,
        )
    }

    def check_permissions(self, request: Request) -> None:
        """Accept a token that may rotate itself as well."""
        if not rotation.may_rotate_itself(caller(request), self.kwargs["token_id"]):
            super().check_permissions(request)

    @extend_schema(
        operation_id="rotateToken",
        summary="Rotate a token",
        parameters=[IDEMPOTENT],
        request=RotateSerializer,
        responses={201: CreatedTokenSerializer},
    )
    def post(self, request: Request, token_id: str) -> Response:
        """Creates a new secret of the same token: `token` in the response is its plaintext.

        The present secret stays valid for the overlap. You must hold every permission of the token, because
        you will see its secret. A token that holds `tokens:rotate:self` may rotate itself.
        A token is rotated at most 10 times an hour.
        """
        token = find(request, token_id)
        wanted = RotateSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        key = idempotency_key(request)
        try:
            issued = rotation.rotate(
                token=token, actor=caller(request), idempotency_key=key, **wanted.validated_data
            )
        except AlreadyCreated as earlier:
            raise APIError(errors.ALREADY_CREATED, record=serialize(earlier.token)) from None
        return created(issued)


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenRotationFinishView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}

    @extend_schema(
        operation_id="finishRotation", summary="End the overlap now", request=None, responses=TokenSerializer
    )
    def post(self, request: Request, token_id: str) -> Response:
        """Only the new secret stays valid. Without a running rotation nothing changes."""
        token = find(request, token_id)
        return Response(serialize(rotation.finish(token=token, actor=caller(request))))


@extend_schema(tags=["Tokens"], parameters=[TOKEN_ID])
class TokenRotationView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"DELETE": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"DELETE": (errors.NO_ROTATION, errors.FORBIDDEN)}

    @extend_schema(operation_id="cancelRotation", summary="Cancel a rotation", responses={204: None})
    def delete(self, request: Request, token_id: str) -> Response:
        """Revokes the new secret; the old one stays valid. A new expiry stays as well.

        Neither the token itself nor a program that it created may do so. Those who may manage tokens get an
        email.
        """
        rotation.cancel(token=find(request, token_id), actor=caller(request))
        return Response(status=204)
