"""JSON endpoint of one member: another role, other permissions, and the end of the membership."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.authorization.acts import MANAGE
from accounts.drf.tenancy import caller, parse_id
from accounts.errors import ErrorCode
from tokens.api.member_serializers import ChangedMemberSerializer, MemberChange, Removal
from tokens.lifecycle import member_removal
from tokens.service_accounts.excess import exceeding

MEMBER_ID = OpenApiParameter(
    "member_id", {"type": "string", "pattern": "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$"}, OpenApiParameter.PATH
)


@extend_schema(tags=["Organization"], parameters=[MEMBER_ID])
class MemberView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"PATCH": MANAGE, "DELETE": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "PATCH": (errors.FORBIDDEN, errors.LAST_OWNER),
        "DELETE": (errors.INSUFFICIENT_SCOPE, errors.FORBIDDEN, errors.LAST_OWNER),
    }
    optional_body = ("DELETE",)

    @extend_schema(
        operation_id="changeMember",
        summary="Change a member's role or permissions",
        request=MemberChange,
        responses=ChangedMemberSerializer,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        """Takes effect with the member's next request. A lower role removes the permissions beyond it that
        are not named again. Tokens go on: `exceeding` lists those that may do more than the member now.

        No caller acts on a member above them, gives more than they hold, changes their own permissions, or
        removes the last owner. A program acts with no more than its responsible member's present rights, and
        not on that member.
        """
        pk = parse_id("mem", member_id)
        wanted = MemberChange(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        member = member_removal.change(actor=caller(request), member_id=pk, **wanted.wanted())
        member.exceeding = exceeding(member, timezone.now())  # type: ignore[attr-defined]
        return Response(ChangedMemberSerializer(member).data)

    @extend_schema(
        operation_id="removeMember", summary="Remove a member", request=Removal, responses={204: None}
    )
    def delete(self, request: Request, member_id: str) -> Response:
        """Ends their sessions here, and their tokens but for those that others take over.

        Needs `members.manage`, except for leaving by oneself.
        """
        pk = parse_id("mem", member_id)
        wanted = Removal(data=request.data)
        wanted.is_valid(raise_exception=True)
        member_removal.remove(actor=caller(request), member_id=pk, **wanted.transfers())
        return Response(status=204)
