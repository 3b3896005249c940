"""JSON endpoint of one member: change of role and permissions, and removal."""

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
from tokens.api.member_serializers import (
    ChangedMemberSerializer,
    MemberRemovalSerializer,
    MemberUpdateSerializer,
)
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
        request=MemberUpdateSerializer,
        responses=ChangedMemberSerializer,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        """Takes effect with the member's next request. A lower role removes the permissions beyond it that
        are not named again. Tokens stay active: `exceeding` lists those with more permissions than the
        member.

        A caller cannot act on a member of a higher role, grant more than they hold, change their own
        permissions, or remove the last owner. A program has at most the current rights of its responsible
        member, and cannot act on that member.
        """
        pk = parse_id("mem", member_id)
        wanted = MemberUpdateSerializer(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        member = member_removal.change(actor=caller(request), member_id=pk, **wanted.changes())
        member.exceeding = exceeding(member, timezone.now())  # type: ignore[attr-defined]
        return Response(ChangedMemberSerializer(member).data)

    @extend_schema(
        operation_id="removeMember",
        summary="Remove a member",
        request=MemberRemovalSerializer,
        responses={204: None},
    )
    def delete(self, request: Request, member_id: str) -> Response:
        """Ends the member's sessions in this organization, and revokes their tokens that are not transferred.

        Needs `members.manage`, except for leaving the organization oneself.
        """
        pk = parse_id("mem", member_id)
        wanted = MemberRemovalSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        member_removal.remove(actor=caller(request), member_id=pk, **wanted.transfers())
        return Response(status=204)
